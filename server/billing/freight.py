"""The freight: what the way itself costs, by each part of a tariff that asks for it. Pure."""

from collections.abc import Sequence
from fractions import Fraction

from server.billing.price_facts import Facts, ParcelFacts, Unpriceable
from server.billing.price_lines import PricedLine, Term, make_line, round_half_up
from server.billing.tariff_rules import (
    Band,
    Distance,
    PerParcel,
    PerStop,
    Rules,
    Weight,
    Zone,
    ZoneToZone,
)
from server.billing.zones import find_zone
from server.kit.geo import haversine_m


def freight_lines(rules: Rules, facts: Facts) -> list[PricedLine]:
    """Raises
    ------
    Unpriceable
    """
    lines = []
    if rules.flat is not None:
        once = Term(words="flat price", quantity=1, unit="consignment", minor=rules.flat.minor)
        lines.append(make_line("flat", "Delivery", "A flat price.", [once]))
    if rules.zone_to_zone is not None:
        lines.append(_zone_to_zone(rules.zones, rules.zone_to_zone, facts))
    if rules.distance is not None:
        lines.append(_distance(rules.distance, facts))
    if rules.weight is not None:
        lines.append(_weight(rules.weight, facts))
    if rules.per_stop is not None:
        lines.append(_counted("stop", facts.stops, rules.per_stop))
    if rules.per_parcel is not None:
        lines.append(_counted("parcel", len(facts.parcels), rules.per_parcel))
    return lines


def _zone_to_zone(zones: Sequence[Zone], part: ZoneToZone, facts: Facts) -> PricedLine:
    ends = []
    for name, spot in (("origin", facts.origin), ("destination", facts.destination)):
        zone = find_zone(zones, spot.country, spot.postcode, spot.position)
        if zone is None:
            shown = spot.postcode or spot.position or "unknown"
            raise Unpriceable(reason=f"The {name} ({shown}) lies in no zone of the tariff.")
        ends.append(zone)
    origin, destination = ends
    for pair in part.prices:
        ways = [(pair.origin, pair.destination)]
        if part.both_ways:
            ways.append((pair.destination, pair.origin))
        if any(a in ("*", origin) and b in ("*", destination) for a, b in ways):
            once = Term(words="zone price", quantity=1, unit="consignment", minor=pair.minor)
            words = f"From zone {origin} to zone {destination}."
            return make_line("zone_to_zone", f"Delivery {origin} to {destination}", words, [once])
    raise Unpriceable(reason=f"There is no price from zone {origin} to zone {destination}.")


def _distance(part: Distance, facts: Facts) -> PricedLine:
    if facts.road_m is not None:
        distance_m = facts.road_m
        words = f"{distance_m} m by road."
    elif facts.origin.position and facts.destination.position:
        beeline_m = round(haversine_m(facts.origin.position, facts.destination.position))
        distance_m = round_half_up(Fraction(beeline_m * part.beeline_percent, 100))
        words = (
            f"The road distance is not known: beeline {beeline_m} m times "
            f"{part.beeline_percent} % is {distance_m} m."
        )
    else:
        raise Unpriceable(reason="The distance is not known: a place has no position.")
    terms = _band_terms(part.bands, distance_m, "m", "distance")
    return make_line("distance", f"Distance {distance_m / 1000:.1f} km", words, terms)


def _weight(part: Weight, facts: Facts) -> PricedLine:
    counted = [_counted_g(part, each, n) for n, each in enumerate(facts.parcels, start=1)]
    sentences = [words for _, words in counted]
    grams = [weight_g for weight_g, _ in counted]
    if part.per == "consignment":
        terms = _band_terms(part.bands, sum(grams), "g", "weight")
    else:
        terms = [
            term
            for n, weight_g in enumerate(grams, start=1)
            for term in _band_terms(part.bands, weight_g, "g", f"weight of parcel {n}")
        ]
    description = f"Weight {sum(grams) / 1000:.2f} kg"
    words = " ".join(sentences) or "There is no parcel."
    return make_line("weight", description, words, terms)


def _counted_g(part: Weight, parcel: ParcelFacts, number: int) -> tuple[int, str]:
    """The grams that a parcel counts, and why."""
    volumetric_g = 0
    if part.volumetric_divisor is not None:
        volumetric_g = -(-parcel.volume_ml * 1000 // part.volumetric_divisor)
    if parcel.weight_g == 0 and volumetric_g == 0:
        if part.assume_g is None:
            raise Unpriceable(reason=f"Nobody has weighed parcel {number}.")
        return part.assume_g, f"Parcel {number} was not weighed and counts {part.assume_g} g."
    if volumetric_g > parcel.weight_g:
        return volumetric_g, (
            f"Parcel {number} counts {volumetric_g} g by volume ({parcel.volume_ml} ml, "
            f"{part.volumetric_divisor} ml per kg) rather than {parcel.weight_g} g."
        )
    return parcel.weight_g, f"Parcel {number} weighs {parcel.weight_g} g."


def _band_terms(bands: Sequence[Band], amount: int, unit: str, what: str) -> list[Term]:
    """The price of the band in which the amount lies. Bands are in rising order."""
    below = 0
    for band in bands:
        if band.up_to is None or amount <= band.up_to:
            limit = "without limit" if band.up_to is None else f"up to {band.up_to} {unit}"
            terms = [
                Term(
                    words=f"{what} {amount} {unit}, band {limit}",
                    quantity=1,
                    unit="band",
                    minor=band.minor,
                )
            ]
            if band.more_minor:
                terms.append(
                    Term(
                        words=f"beyond {below} {unit}",
                        quantity=amount - below,
                        unit=unit,
                        minor=band.more_minor,
                        per=1000,
                    )
                )
            return terms
        below = band.up_to
    raise Unpriceable(reason=f"The {what} of {amount} {unit} is beyond the last band.")


def _counted(unit: str, count: int, part: PerStop | PerParcel) -> PricedLine:
    charged = max(count - part.free, 0)
    words = f"{count} {unit}(s), {part.free} free." if part.free else f"{count} {unit}(s)."
    each = Term(words=f"per {unit}", quantity=charged, unit=unit, minor=part.minor)
    return make_line(f"per_{unit}", f"{unit.capitalize()}s: {charged}", words, [each])
