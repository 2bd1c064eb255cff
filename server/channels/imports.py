"""Files of orders: handing one in, taking its rows in chunk by chunk, and saying what was wrong.

The file is kept as it came. A chunk of orders, what was wrong with its rows and how far we are
take effect together; whoever goes on after a crash begins after the last chunk. A dry run does the
very same and takes the orders back.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.channels.columns import Columns, map_columns
from server.channels.models import ImportProblem, OrderImport
from server.channels.profiles import profile_columns
from server.channels.rows import Problem, RowsUnusable, group_rows, order_number, problem_of, read_order
from server.channels.service import paying_account, take_order
from server.channels.tables import Row, Table, open_table, write_csv
from server.channels.uploads import hand_in
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.errors import NotFound, PostriderError
from server.kit.settings import UTC_ZONE

log = logging.getLogger(__name__)
