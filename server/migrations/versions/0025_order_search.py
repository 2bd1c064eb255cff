"""Orders are found by the beginnings of their words, newest first, and by their addresses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0025_order_search"
down_revision = "0024_trade"

PHONE_DIGITS = "regexp_replace(regexp_replace(consignee_phone, '[^0-9]', '', 'g'), '^00', '')"
SEPARATORS = r"[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000]+"
WEEK = "floor(extract(epoch from captured_at - timestamptz 'epoch') / 604800)"
WRITTEN = (
    "' ' || lower(number || ' ' || coalesce(external_id, '') || ' ' || reference || ' ' ||"
    " consignee_name || ' ' || coalesce(consignor_name, '') || ' ' || consignee_email || ' ' ||"
    " consignee_address || ' ' || coalesce(consignor_address, '') || ' ' ||"
    f" {PHONE_DIGITS} || ' ' || right({PHONE_DIGITS}, 7))"
)
WORDS = (
    f"array_to_tsvector(string_to_array(ltrim(regexp_replace({WRITTEN}, '{SEPARATORS}',"
    f" ' ' || {WEEK} || '.', 'g')) || ' ' || {WEEK} || '@' || account_id, ' '))"
)


def upgrade() -> None:
    op.drop_column("orders", "search_text")  # its index goes with it
    op.add_column("orders", sa.Column("consignor_address", sa.Text()))
    op.add_column(
        "orders", sa.Column("consignee_address", sa.Text(), nullable=False, server_default="")
    )
    for role in ("consignor", "consignee"):
        op.execute(
            f"update orders set {role}_address = concat_ws(', ',"  # noqa: S608
            " nullif(btrim(street || ' ' || house_number), ''),"
            " nullif(btrim(postcode || ' ' || city), ''), nullif(country, ''))"
            f" from place where place.id = {role}_place_id"
        )
    op.add_column(
        "orders",
        sa.Column("search_words", TSVECTOR(), sa.Computed(WORDS, persisted=True), nullable=False),
    )
    op.create_index(
        "ix_orders_search_words",
        "orders",
        ["search_words"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
