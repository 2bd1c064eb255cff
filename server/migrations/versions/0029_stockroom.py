"""Orders name a cost centre, charges the country to which goods were sent, reasons of returns have
a Spanish text, and plans are told which changes are of a load only."""

import sqlalchemy as sa
from alembic import op

revision = "0029_stockroom"
down_revision = "0027_fix_key"

REASONS_IN_SPANISH = {
    "not_wanted": "No lo quiero",
    "wrong_size": "No es de mi talla",
    "damaged": "Llegó dañado",
    "defective": "No funciona",
    "wrong_item": "No es lo que pedí",
    "too_late": "Llegó demasiado tarde",
    "other": "Otro motivo",
}


def upgrade() -> None:
    new = (("orders", "cost_centre"), ("charge", "ship_to_country"), ("return_reason", "text_es"))
    for table, name in new:
        op.add_column(table, sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("planning_change", sa.Column("load_of", sa.Uuid()))
    reason = sa.table("return_reason", *map(sa.column, ("account_id", "code", "text_es")))
    for code, spanish in REASONS_IN_SPANISH.items():
        the_companys = sa.and_(reason.c.account_id.is_(None), reason.c.code == code)
        op.execute(reason.update().where(the_companys).values(text_es=spanish))
