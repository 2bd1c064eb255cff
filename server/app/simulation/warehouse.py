"""The people in the warehouse: they pick and pack what is due, and look at what comes back, with
the same requests that a scanner sends."""

from typing import Any

from server.app.simulation.office import Office, Refused


class Warehouse:
    """One warehouse and whoever works there. Counts what was done.

    path: how the labels of its shelves begin.
    """

    def __init__(self, office: Office, warehouse_id: str, path: str) -> None:
        self._office = office
        self._id = warehouse_id
        self._path = path
        self._tares_g: dict[str, int] = {}
        self._units_g: dict[str, int] = {}
        self.picked_units = 0
        self.packed_parcels = 0
        self.restocked_units = 0

    async def fulfil_all(self) -> None:
        """Until nothing is due any more: a round through the shelves, then pack what came of it."""
        cartons = await self._office.get("/api/cartons")
        self._tares_g = {each["code"]: each["tare_g"] for each in cartons}
        async for sku in self._office.pages("/api/skus"):
            self._units_g[sku["code"]] = sku["weight_g"]
        while await self._pick_round():
            picked = self._office.pages("/api/fulfilments", warehouse=self._id, state="picked")
            for fulfilment in [each async for each in picked]:
                await self._pack(fulfilment["id"])

    async def inspect_returns(self) -> None:
        """Open every box that came back. Our goods go to the shelf; what we cannot name waits for
        its owner."""
        boxes = [each async for each in self._office.pages("/api/returns", state="received")]
        for box in boxes:
            await self._inspect(box)

    async def _pick_round(self) -> bool:
        """False when there was nothing to pick."""
        try:
            wave = await self._office.post("/api/pick-waves", {"warehouse_id": self._id})
        except Refused as refusal:
            if refusal.code != "fulfilment.nothing_to_pick":
                raise
            return False
        path = f"/api/pick-waves/{wave['id']}"
        upcoming = await self._office.get(f"{path}/next")
        while (task := upcoming["task"]) is not None:
            scan = {
                "location": task["location"],
                "sku": task["sku"],
                "lot": task["lot"],
                "quantity": upcoming["units_here"],
            }
            picked = await self._office.post(f"{path}/picks", scan, key=task["id"])
            self.picked_units += upcoming["units_here"]
            upcoming = picked["next"]
        return True

    async def _pack(self, fulfilment_id: str) -> None:
        """Into the boxes that are proposed; what fits into none goes as it is."""
        path = f"/api/fulfilments/{fulfilment_id}"
        proposed = await self._office.get(f"{path}/cartons")
        parcels = [self._parcel(box["contents"], box["carton"]) for box in proposed["cartons"]]
        unboxed = (proposed[left] for left in ("too_large", "unmeasured", "rest"))
        parcels += [self._parcel(units) for units in unboxed if units]
        for number, parcel in enumerate(parcels):
            await self._office.post(f"{path}/pack", parcel, key=f"{fulfilment_id} {number}")
        self.packed_parcels += len(parcels)

    def _parcel(self, units: dict[str, int], carton: str | None = None) -> dict[str, Any]:
        """What the scale says of it, and what is in it."""
        goods_g = sum(self._units_g[sku] * quantity for sku, quantity in units.items())
        return {
            "carton": carton,
            "weight_g": max(1, goods_g + self._tares_g.get(carton or "", 0)),
            "contents": [{"sku": sku, "quantity": quantity} for sku, quantity in units.items()],
        }

    async def _inspect(self, box: dict[str, Any]) -> None:
        found: dict[str, Any] = {
            "counted": [
                {"line_id": line["id"], "quantity": line["quantity"]}
                for line in box["lines"]
                if line["kit_line_id"] is None
            ]
        }
        if not box["lines"]:
            found["found"] = [{"quantity": 1, "description": "a jumper, worn once"}]
        path = f"/api/returns/{box['id']}"
        opened = await self._office.post(f"{path}/receive", found, key=f"open {box['id']}")
        for line in opened["lines"]:
            if line["received_quantity"]:
                opened = await self._judge(line)
        if opened["state"] == "inspected":
            await self._office.post(f"{path}/resolve", {"note": "as found"})

    async def _judge(self, line: dict[str, Any]) -> Any:
        finding: dict[str, Any] = {"grade": "used", "disposition": "quarantine"}
        if line["sku_id"] is not None:
            shelf = await self._shelf_of(line["sku_id"])
            finding = {
                "grade": "as_new",
                "disposition": "restock",
                "location_id": shelf["location_id"],
            }
            self.restocked_units += line["received_quantity"]
        path = f"/api/return-lines/{line['id']}/inspect"
        return await self._office.post(path, finding, key=f"inspect {line['id']}")

    async def _shelf_of(self, sku_id: str) -> dict[str, Any]:
        """Where most of it lies."""
        levels = (await self._office.get("/api/stock/levels", sku=sku_id))["items"]
        shelves = [level for level in levels if level["path"].startswith(f"{self._path}/")]
        fullest: dict[str, Any] = max(shelves, key=lambda level: level["on_hand"])
        return fullest
