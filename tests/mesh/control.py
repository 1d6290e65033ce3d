"""The knobs of a running mesh over HTTP: `curl -X POST URL/errors/reviews-v1/0.1`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from aiohttp import web

from tests.mesh.bookinfo import Bookinfo
from tests.mesh.parts import PartError

Handler = Callable[[web.Request], Awaitable[web.Response]]
_DONE: Final = "done\n"


def _named(act: Callable[[str], Awaitable[None]]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        await act(request.match_info["name"])
        return web.Response(text=_DONE)

    return handle


def _number(set_it: Callable[[str, float], None]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        set_it(request.match_info.get("name", ""), float(request.match_info["number"]))
        return web.Response(text=_DONE)

    return handle


def _plain(act: Callable[[], Awaitable[None]]) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        await act()
        return web.Response(text=_DONE)

    return handle


@web.middleware
async def _in_one_sentence(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except KeyError as unknown:
        raise web.HTTPNotFound(text=f"no workload, app or part {unknown} in this mesh\n") from None
    except ValueError:
        raise web.HTTPBadRequest(text="that is not a number\n") from None
    except PartError as failed:
        raise web.HTTPInternalServerError(text=f"{failed}\n") from None


def _routes(mesh: Bookinfo) -> Iterator[web.RouteDef]:
    def set_rate(_: str, rate: float) -> None:
        mesh.load.rate = rate

    async def answers(_: web.Request) -> web.Response:
        load = mesh.load
        counted = [[path, status, count] for (path, status), count in load.answers.items()]
        return web.json_response(
            {"rate": load.rate, "waiting": len(load.waiting), "answers": counted}
        )

    yield web.post("/errors/{name}/{number}", _number(mesh.set_errors))
    yield web.post("/latency/{name}/{number}", _number(mesh.set_latency))
    yield web.post("/rate/{number}", _number(set_rate))
    yield web.post("/apps/{name}/stop", _named(mesh.stop_app))
    yield web.post("/apps/{name}/start", _named(mesh.start_app))
    yield web.post("/envoys/{name}/kill", _named(mesh.kill_envoy))
    yield web.post("/envoys/{name}/start", _named(mesh.start_envoy))
    yield web.post("/prometheus/stop", _plain(mesh.stop_prometheus))
    yield web.post("/prometheus/start", _plain(mesh.start_prometheus))
    yield web.post("/mend", _plain(mesh.mend))
    yield web.get("/load", answers)


async def listen(mesh: Bookinfo) -> tuple[web.AppRunner, str]:
    """The control server and its URL; the caller cleans the runner up."""
    application = web.Application(middlewares=[_in_one_sentence])
    application.add_routes(_routes(mesh))
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}"
