"""A mesh of real Envoys with Istio's metrics, and a real Prometheus that scrapes it. No Kubernetes.

    people ──► istio-ingressgateway ──► productpage-v1 ──► details-v1
    127.1.0.10:8080  (istio-system)                   └──► reviews-v1 80 % ──► ratings-v1
                                                           reviews-v3 20 % ──┘    (default)

In a test, the fixture `mesh` of `tests/conftest.py`, once a session (the test is marked `real`, and
skipped where Envoy or Prometheus is absent):

    @pytest.mark.real
    def test_it(mesh: Mesh) -> None:
        mesh.prometheus                     # "http://127.0.0.1:PORT"
        mesh.envoys                         # ("127.1.0.10:15090", ...), the gateway's first
        mesh.query("sum(up)")               # what Prometheus answers: label pairs -> value
        mesh.set_errors("reviews-v3", 0.2)  # 500s: a workload, or "reviews" for both versions
        mesh.set_latency("ratings", 0.3)    # seconds, added to each answer
        mesh.set_rate(0); mesh.rest()       # no load, nothing under way: counters stand still
        mesh.stop_app("ratings")            # its sidecar answers 503 UF          (start_app)
        mesh.kill_envoy("ratings")          # its clients get 503 URX,UF          (start_envoy)
        mesh.stop_prometheus()              # comes back at the same URL, with its history
                                            #                              (start_prometheus)

The fixture undoes all of that after each test. By hand, in a terminal:

    python -m tests.mesh [--rps 20] [--prometheus-port 0] [--scrape-interval 1] [--seconds N]

It prints one line of JSON when traffic flows and Prometheus has seen it at every pod, and ends with
everything that it started on Ctrl-C, SIGTERM, or the end of standard input where that is a pipe.
Several meshes may run at once, one for each worker of xdist: each takes a free block 127.N.0.0/24.
It keeps a sixth of a core and half a gigabyte busy.

To know when reading numbers:
- Ready takes 5.5 to 6.5 s: the Envoys serve after 0.7 s, Prometheus takes up targets after 5 s.
- Counters are live, histograms move every 5 s (Envoy's flush, as in Istio).
- 4 % of the requests are a 404 of productpage, 4 % a 404 NR of the gateway (no route).
- `/promotions` at the gateway is a service scaled to zero: 503 UH.
- As in bookinfo, who calls makes do without what failed: a fault in ratings is no fault of reviews.
- Sidecars keep Istio's default stats; the gateway has the opt-in for listeners, HTTP and clusters.

What is not real:
- No TLS. `connection_security_policy` is `mutual_tls` where the client has a proxy of the mesh
  (`none` where somebody calls port 9080 directly), and principals are what the proxies tell each
  other in headers.
- No istiod, so no xDS and no istiod metrics; no 15020, 15021. The configuration is static.
- No capture by iptables: applications call 127.1.0.N:15001 themselves, with the service as Host.
- Istio's stats filter is replaced by Envoy's stats access logger: raw names begin `wasmcustom.`
  rather than `istiocustom.`, there is no `istio_build`, and labels come in another order.
- Bytes are those on the wire, as in Istio, with about 400 of the headers that say who is who.
- HTTP/1.1 only: no gRPC, no `istio_tcp_*`.
- `UF` has the destination workload `unknown`; Istio may know it from the endpoint's metadata.
"""
