"""Examples of requests and responses, for the OpenAPI document."""

TOY_ID = "toy_01k0n2zz5g9j3m7q1t5w9y3a6c"
TOY_IN = {"name": "Tin mouse"}
TOY = {
    "id": TOY_ID,
    "name": "Tin mouse",
    "state": "queued",
    "turns": 0,
    "created_at": "2026-05-14T06:30:00.000Z",
    "version": 1,
}
TOY_PAGE = {"items": [TOY], "next_cursor": None}
