"""Who plays in the demo mesh: forty services by name, who calls whom, and names for more."""

from __future__ import annotations

from typing import Final, NamedTuple


class Role(NamedTuple):
    """One service of the cast. `median` is milliseconds of its own work, without what it calls;
    `request` and `response` are median bytes.
    """

    name: str
    namespace: str
    protocol: str
    median: float
    request: int
    response: int


ROLES: Final = (
    Role("productpage", "bookinfo", "http", 7.0, 640, 5200),
    Role("storefront", "shop", "http", 9.0, 720, 18000),
    Role("reviews", "bookinfo", "http", 6.0, 480, 900),
    Role("details", "bookinfo", "http", 2.5, 470, 620),
    Role("checkout", "shop", "http", 16.0, 1900, 1400),
    Role("catalog", "shop", "http", 5.0, 520, 7600),
    Role("payment", "payments", "http", 28.0, 1300, 760),
    Role("auth", "platform", "grpc", 1.6, 310, 280),
    Role("ratings", "bookinfo", "http", 1.8, 450, 390),
    Role("mongodb", "bookinfo", "tcp", 1.0, 260, 1100),
    Role("cart", "shop", "http", 3.5, 840, 1500),
    Role("search", "shop", "http", 22.0, 560, 9400),
    Role("recommendation", "shop", "grpc", 14.0, 390, 1700),
    Role("fraud", "payments", "grpc", 31.0, 1100, 320),
    Role("orders", "shop", "http", 9.0, 1600, 1200),
    Role("shipping", "shop", "http", 7.0, 980, 640),
    Role("promotions", "shop", "http", 4.0, 510, 1300),
    Role("pricing", "shop", "grpc", 2.2, 420, 350),
    Role("inventory", "shop", "http", 4.5, 530, 880),
    Role("media", "shop", "http", 2.0, 430, 64000),
    Role("redis-cart", "shop", "tcp", 0.4, 120, 900),
    Role("wallet", "payments", "http", 8.0, 760, 540),
    Role("invoices", "payments", "http", 12.0, 900, 26000),
    Role("refunds", "payments", "http", 17.0, 880, 600),
    Role("tax", "payments", "grpc", 3.0, 500, 310),
    Role("ledger", "payments", "grpc", 6.0, 740, 290),
    Role("payouts", "payments", "http", 40.0, 1200, 700),
    Role("postgres", "payments", "tcp", 2.0, 410, 2300),
    Role("users", "platform", "http", 4.0, 460, 1100),
    Role("sessions", "platform", "http", 1.5, 380, 450),
    Role("notifications", "platform", "http", 11.0, 1400, 330),
    Role("email", "platform", "http", 60.0, 9800, 310),
    Role("feature-flags", "platform", "grpc", 0.8, 240, 680),
    Role("audit", "platform", "http", 2.5, 1100, 260),
    Role("geo", "platform", "http", 3.0, 400, 520),
    Role("kafka", "platform", "tcp", 1.5, 1800, 160),
    Role("redis", "platform", "tcp", 0.3, 110, 620),
    Role("quotes", "bookinfo", "http", 2.0, 420, 560),
    Role("covers", "bookinfo", "http", 3.0, 410, 38000),
    Role("authors", "bookinfo", "http", 5.0, 440, 1900),
)
"""Callers stand before those that they call."""

CALLS: Final[dict[str, tuple[tuple[str, float], ...]]] = {
    "productpage": (("reviews", 1.0), ("details", 1.0), ("auth", 0.3), ("quotes", 0.2)),
    "storefront": (
        ("catalog", 0.8), ("auth", 0.5), ("cart", 0.35), ("search", 0.25),
        ("recommendation", 0.4), ("checkout", 0.08), ("feature-flags", 0.3), ("users", 0.1),
    ),
    "reviews": (("ratings", 0.9), ("authors", 0.15)),
    "details": (("covers", 0.6), ("authors", 0.3)),
    "checkout": (
        ("payment", 1.0), ("cart", 1.0), ("inventory", 1.4), ("orders", 0.9), ("shipping", 0.9),
        ("promotions", 0.5), ("tax", 1.0),
    ),
    "catalog": (("inventory", 0.5), ("pricing", 0.9), ("media", 0.2)),
    "payment": (("fraud", 1.0), ("wallet", 0.4), ("ledger", 1.0), ("refunds", 0.06)),
    "auth": (("users", 0.2), ("sessions", 0.7)),
    "ratings": (("mongodb", 1.2),),
    "cart": (("redis-cart", 2.5), ("pricing", 0.6)),
    "search": (("geo", 0.2), ("feature-flags", 0.3)),
    "recommendation": (("redis", 1.5),),
    "fraud": (("geo", 0.8), ("redis", 2.0)),
    "orders": (("notifications", 0.7), ("kafka", 1.6), ("audit", 0.5), ("invoices", 0.8)),
    "shipping": (("geo", 1.0),),
    "wallet": (("postgres", 2.0), ("ledger", 0.6)),
    "invoices": (("postgres", 1.5), ("tax", 0.5)),
    "refunds": (("ledger", 1.0), ("payouts", 0.8)),
    "ledger": (("postgres", 2.2), ("audit", 0.4)),
    "payouts": (("kafka", 1.0),),
    "users": (("redis", 0.6),),
    "sessions": (("redis", 1.1),),
    "notifications": (("email", 0.5), ("kafka", 1.0)),
    "audit": (("kafka", 1.0),),
}  # fmt: skip
"""Calls that a service makes for each request that it gets."""

ENTRIES: Final[tuple[tuple[str, float], ...]] = (("productpage", 32.0), ("invoices", 2.0))
"""What the classic gateway lets in, requests per second."""
PUBLIC_ENTRIES: Final[tuple[tuple[str, float], ...]] = (
    ("storefront", 48.0), ("media", 14.0), ("catalog", 6.0),
)  # fmt: skip
"""What the Gateway API's gateway lets in, requests per second."""

NAMESPACES: Final = (
    "bookinfo", "shop", "payments", "platform", "logistics", "analytics", "identity", "support",
    "growth", "fulfilment", "messaging", "partners", "pricing", "warehouse", "content", "mobile",
    "reporting", "compliance", "loyalty", "marketplace", "billing", "delivery", "insights", "labs",
)  # fmt: skip
"""The first four are the default mesh; each further one takes forty generated services."""

SUBJECTS: Final = (
    "account", "address", "asset", "banner", "batch", "campaign", "carrier", "claim", "contract",
    "coupon", "courier", "currency", "device", "dispute", "document", "event", "export", "feed",
    "forecast", "import", "incident", "label", "lead", "locale", "manifest", "merchant", "meter",
    "offer", "parcel", "policy", "profile", "quota", "region", "rental", "report", "return",
    "route", "schedule", "segment", "survey", "ticket", "token", "tracking", "vendor", "voucher",
)  # fmt: skip
TASKS: Final = (
    "api", "archiver", "cache", "client", "collector", "exporter", "gate", "handler", "importer",
    "index", "loader", "lookup", "matcher", "planner", "query", "reader", "resolver", "router",
    "rules", "scorer", "store", "sync", "validator", "worker", "writer",
)  # fmt: skip
"""A generated service is called `SUBJECT-TASK`: 1,125 names."""
