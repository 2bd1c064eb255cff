"""Which of the company's boxes the goods of a fulfilment go into."""

import asyncio
from collections import defaultdict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.fulfilment.carton_types import list_cartons
from server.fulfilment.cartons import Box, Goods, Suggestion, suggest_boxes
from server.fulfilment.fulfilments import find_fulfilment, goods_of, packed_of
from server.fulfilment.models import Carton
from server.inventory import service as inventory
from server.inventory.service import SkuView


async def suggest_cartons(session: AsyncSession, fulfilment_id: UUID) -> Suggestion:
    """Boxes for all that is not packed yet, whether it is picked by now or not."""
    row = await find_fulfilment(session, fulfilment_id)
    packed = await packed_of(session, row.order_id)
    mine = await goods_of(session, row)
    skus = await inventory.get_skus(session, {each.sku_id for each in mine})
    left: dict[UUID, int] = defaultdict(int)
    for each in mine:
        left[each.sku_id] += each.quantity - packed.get(each.id, 0)
    goods = [_as_goods(skus[sku_id], units) for sku_id, units in left.items() if units]
    boxes = [_as_box(each) for each in await list_cartons(session)]
    return await asyncio.to_thread(suggest_boxes, goods, boxes)


def _as_goods(sku: SkuView, units: int) -> Goods:
    return Goods(sku.code, (sku.length_mm, sku.width_mm, sku.height_mm), sku.weight_g, units)


def _as_box(carton: Carton) -> Box:
    sides = (carton.inner_length_mm, carton.inner_width_mm, carton.inner_height_mm)
    return Box(carton.code, sides, carton.max_weight_g)
