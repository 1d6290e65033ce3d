"""istiotop: a live monitor for the Istio service mesh that runs in a terminal."""

__version__ = "0.1.0"
