#!/usr/bin/env python3
"""Writes assets/prices.toml from LiteLLM's published price file.

    python3 assets/prices/convert.py model_prices_and_context_window.json \\
        --version 1.109.1 --retrieved 2026-11-23 \\
        [--retired old_rows.json]... [--previous assets/prices.toml] > new.toml

LiteLLM publishes the file at https://github.com/BerriAI/litellm (MIT, outside `enterprise/`).
`--retired` takes files of the same form with rows that LiteLLM has since deleted. `--previous`
takes the table as it stands: its rows that appear in no file given are carried over and marked
retired, and models whose prices moved are listed on stderr. A moved price belongs in HISTORY
below, with its date and source, or past spend would be priced anew at today's price.

Amounts go from the JSON text to the table through `decimal`, never through a binary float.
What the published file does not hold (past prices, aliases, mended mistakes) stands in this file
with its source. Needs Python 3.11, nothing else.
"""

import argparse
import json
import re
import sys
import tomllib
from decimal import Decimal

# The order of the sections. Only these providers are taken.
PROVIDERS = [
    "anthropic", "openai", "gemini", "xai", "deepseek", "mistral", "moonshot", "zai",
    "dashscope", "qwencloud", "qwen_ai_platform",
]
# Providers that serve models of other makers under the makers' names.
HOSTS = ["dashscope", "qwencloud", "qwen_ai_platform"]

KINDS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
}
SPEEDS = {"_batches": "batch", "_flex": "flex", "_priority": "fast"}
FIELD = re.compile(
    "^(" + "|".join(sorted(KINDS, key=len, reverse=True)) + ")"
    r"(?:_above_(\d+)k_tokens)?(" + "|".join(SPEEDS) + ")?$"
)
ORDER = ["input", "output", "reasoning", "cache_read", "cache_write_5m", "cache_write_1h"]
MILLION = Decimal(1_000_000)


def usd(**prices):
    return {kind: Decimal(text) for kind, text in prices.items()}


def gpt_5_6(input, cache_read, cache_write, output):
    """A launch price list of GPT-5.6: long context 2x in and 1.5x out, fast 2x, batch and flex
    half of standard, as in the list that holds today."""
    base = usd(input=input, output=output, cache_read=cache_read, cache_write_5m=cache_write)
    long = {kind: price * (Decimal("1.5") if kind == "output" else 2) for kind, price in base.items()}
    half = Decimal("0.5")
    return {
        None: {"standard": base, "batch": half, "flex": half, "fast": Decimal(2)},
        272_000: {"standard": long, "batch": half, "flex": half},
    }


def claude_4_6(**base):
    """Opus and Sonnet 4.6 until 2026-03-13: above 200k tokens 2x in and 1.5x out."""
    base = usd(**base)
    long = {kind: price * (Decimal("1.5") if kind == "output" else 2) for kind, price in base.items()}
    return {None: {"standard": base, "batch": Decimal("0.5")}, 200_000: {"standard": long}}


OPUS_4_6 = claude_4_6(input="5", output="25", cache_read="0.5", cache_write_5m="6.25", cache_write_1h="10")
SONNET_4_6 = claude_4_6(input="3", output="15", cache_read="0.3", cache_write_5m="3.75", cache_write_1h="6")

# Prices that held until a day (exclusive, 00:00 UTC) and have since been replaced upstream.
HISTORY = {
    # https://openai.com/index/advancing-the-price-performance-frontier-with-gpt-5-6/
    # $1/$0.10/$6 and $2.50/$0.25/$15 before; cache writes are 1.25x input throughout.
    ("openai", "gpt-5.6-luna"): [("2026-07-30", gpt_5_6("1", "0.1", "1.25", "6"))],
    ("openai", "gpt-5.6-terra"): [("2026-07-30", gpt_5_6("2.5", "0.25", "3.125", "15"))],
    # https://community.openai.com/t/20-price-reduction-for-gpt-5-6-sol-api-codex-credits-and-chatgpt-work/1391726
    ("openai", "gpt-5.6-sol"): [("2026-08-21", gpt_5_6("5", "0.5", "6.25", "30"))],
    # Flat since the 1M window left beta; LiteLLM dropped the tier with its pull request 24689.
    ("anthropic", "claude-opus-4-6"): [("2026-03-13", OPUS_4_6)],
    ("anthropic", "claude-opus-4-6-20260205"): [("2026-03-13", OPUS_4_6)],
    ("anthropic", "claude-sonnet-4-6"): [("2026-03-13", SONNET_4_6)],
}

# Other names of a model: the same prices, within the dates given.
ALIASES = {
    ("openai", "gpt-5.6"): {"same_as": "gpt-5.6-sol"},
    # Codex's name for its reviewer; what it stood for before that day is not published.
    ("openai", "codex-auto-review"): {"same_as": "gpt-5.6-luna", "from": "2026-07-09"},
    # https://platform.claude.com/docs/en/about-claude/models/overview
    ("anthropic", "claude-opus-4-0"): {"same_as": "claude-opus-4-20250514"},
    ("anthropic", "claude-sonnet-4-0"): {"same_as": "claude-sonnet-4-20250514"},
}

# Sonnet 4.5 took the tier of Sonnet 4 above 200k tokens as long as its 1M beta lasted. LiteLLM
# dropped the tier when the beta ended; requests of that size exist in the past only.
LONG_SONNET_4 = usd(input="6", output="22.5", cache_read="0.6", cache_write_5m="7.5")
LOST_TIERS = {
    ("anthropic", "claude-sonnet-4-5"): {200_000: {"standard": LONG_SONNET_4}},
    ("anthropic", "claude-sonnet-4-5-20250929"): {200_000: {"standard": LONG_SONNET_4}},
}

# Anthropic's search fee is $10 per 1,000 for every model that can search; two rows lack it.
# https://platform.claude.com/docs/en/about-claude/pricing
LOST_SEARCH_FEES = {
    ("anthropic", "claude-haiku-4-5"): Decimal("0.01"),
    ("anthropic", "claude-haiku-4-5-20251001"): Decimal("0.01"),
}

# OpenAI does not offer fast processing above the long-context threshold, so a fast request of
# that size pays the standard long price; upstream's figures for it are left out.
NO_LONG_FAST = {"openai"}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("published")
    options.add_argument("--version", required=True, help="LiteLLM's release")
    options.add_argument("--retrieved", required=True, help="the day the file was fetched")
    options.add_argument("--retired", action="append", default=[])
    options.add_argument("--previous")
    options = options.parse_args()

    table, sources, left_out = {}, {}, []
    files = [(options.published, None)] + [(path, "unknown") for path in options.retired]
    for path, retired in files:
        for key, row in read(path).items():
            take(key, row, retired, table, sources, left_out)
    if options.previous:
        carry_over(options.previous, table)
    write(options, table, sources, left_out)


def read(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file, parse_float=Decimal, parse_int=Decimal)
    return document.get("models", document)


def take(key, row, retired, table, sources, left_out):
    provider = row.get("litellm_provider")
    if provider not in PROVIDERS or row.get("mode") not in ("chat", "responses"):
        return
    model = key.removeprefix(provider + "/")
    if (provider, model) in ALIASES:
        return
    bands = bands_of((provider, model), row)
    if not bands or charged_otherwise(row, bands):
        left_out.append(f"{provider} {model}")
        return
    entry = {"bands": bands, "line": None}
    fees = set(row.get("search_context_cost_per_query", {}).values())
    if len(fees) > 1:
        note(f"{key}: search fees differ by context size; the dearest is taken")
    entry["web_search"] = max(fees) if fees else LOST_SEARCH_FEES.get((provider, model))
    entry["off_peak"] = off_peak(row)
    if retired:
        entry["retired"] = row.get("_last_seen_in_litellm", retired)
    if "source" in row:
        found = sources.setdefault(provider, {})
        found[row["source"]] = found.get(row["source"], 0) + 1
    known = table.get((provider, model))
    if known and known != entry:
        # The same model with and without the provider's prefix: a price beats a zero, and then
        # the row that prices more kinds of token wins.
        standards = [e["bands"][None]["standard"] for e in (known, entry)]
        ranks = [(standard.get("input", 0), len(standard)) for standard in standards]
        note(f"{key}: listed twice, {standards[0]} and {standards[1]}")
        if ranks[0] >= ranks[1]:
            return
    table[(provider, model)] = entry


def bands_of(key, row):
    """{above (None: from the first token): {speed: {kind: price} or factor}}"""
    provider, bands = key[0], {}
    for tier in row.get("tiered_pricing", []):
        above = int(tier["range"][0]) or None
        put(bands, above, tier)
    put(bands, None, row)
    if None not in bands or "standard" not in bands[None]:
        return {}
    bands.update(LOST_TIERS.get(key, {}))
    for above, band in bands.items():
        standard = band["standard"]
        if standard.get("reasoning") == standard.get("output"):
            standard.pop("reasoning", None)
        if provider == "anthropic" and "cache_write_1h" in standard:
            # Anthropic: a one-hour write costs twice the input. A few retired rows carry a
            # figure copied from another model.
            standard["cache_write_1h"] = standard["input"] * 2
        if above and provider in NO_LONG_FAST:
            band.pop("fast", None)
        for speed in SPEEDS.values():
            if speed in band:
                band[speed] = as_factor(band[speed], standard)
    fast = row.get("provider_specific_entry", {}).get("fast")
    if fast is not None:
        bands[None]["fast"] = fast
    return dict(sorted(bands.items(), key=lambda item: item[0] or 0))


def put(bands, above, fields):
    for field, price in fields.items():
        match = FIELD.match(field)
        if not match:
            continue
        kind = KINDS[match[1]]
        start = int(match[2]) * 1000 if match[2] else above
        speed = SPEEDS.get(match[3], "standard")
        bands.setdefault(start, {}).setdefault(speed, {})[kind] = price * MILLION


def as_factor(prices, standard):
    """One factor when every kind that has a standard price has this one at the same factor."""
    needed = [kind for kind in standard if kind not in ("cache_write_1h", "reasoning")]
    if any(kind not in prices or not standard[kind] for kind in needed):
        return prices
    factor = (prices["input"] / standard["input"]).quantize(Decimal("0.001"))
    exact = all(prices[kind] == factor * standard[kind] for kind in prices if kind in standard)
    return factor if exact else prices


def charged_otherwise(row, bands):
    """Priced at nothing per token because the model is charged per clip, image or second."""
    free = all(price == 0 for price in bands[None]["standard"].values())
    units = ("output_cost_per_image", "input_cost_per_image", "output_cost_per_second",
             "output_cost_per_video_token", "output_cost_per_audio_token")
    return free and any(row.get(unit) for unit in units)


def off_peak(row):
    found = row.get("off_peak_pricing")
    if not found:
        return None
    when = []
    for window in found["windows"]:
        days = [int(day) for day in window["weekdays"]]
        assert days == list(range(days[0], days[-1] + 1))
        hours = window["hours_utc"]
        for span in [hours] if isinstance(hours, str) else hours:
            start, end = span.split("-")
            when.append(f"{days[0]}-{days[-1]} {start}-{'24:00' if end == '00:00' else end}")
    prices = {KINDS[field]: price * MILLION for field, price in found.items() if field in KINDS}
    return {"when": when, "prices": prices}


def carry_over(path, table):
    with open(path, "rb") as file:
        previous = tomllib.load(file)
    lines, section, key = {}, None, None
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            elif line.startswith('"') and section:
                key = (section, line.split('"')[1])
                lines[key] = line
            elif line.startswith(("  {", "]")):
                lines[key] += "\n" + line
    for provider, models in previous.items():
        if provider not in PROVIDERS:
            continue
        for model in models:
            key, line = (provider, model), lines[(provider, model)]
            if key in ALIASES:
                continue
            if key not in table:
                if "retired" not in line:
                    line = re.sub(r" }(,?)$", r', retired = "after the table before" }\1', line, flags=re.M)
                table[key] = {"line": line}
            elif entry_line(key, table[key]) != line:
                note(f"{provider} {model}: moved; add the old price to HISTORY\n  was {line}")


def write(options, table, sources, left_out):
    print(HEADER.format(version=options.version, retrieved=options.retrieved).rstrip())
    for line in sorted(left_out):
        print(f"#   {line}")
    print("\n# These serve models of other makers too: a model named without a provider is its maker's.")
    print(f"hosts = {json.dumps(HOSTS)}")
    for provider in PROVIDERS:
        print()
        for source, _ in sorted(sources.get(provider, {}).items(), key=lambda item: -item[1])[:3]:
            print(f"# {source}")
        print(f"[{provider}]")
        names = [key[1] for key in [*table, *ALIASES] if key[0] == provider]
        for model in sorted(names):
            key = (provider, model)
            if key in ALIASES:
                print(f"{quote(model)} = {inline(ALIASES[key])}")
            else:
                print(entry_line(key, table[key]))


def entry_line(key, entry):
    if entry["line"]:
        return entry["line"]
    rows, start = [], None
    for until, bands in HISTORY.get(key, []):
        rows.append({**({"from": start} if start else {}), "until": until, **shape(bands, entry)})
        start = until
    if entry.get("off_peak"):
        bands = {None: {"standard": {**entry["bands"][None]["standard"], **entry["off_peak"]["prices"]}}}
        rows.append({"when_utc": entry["off_peak"]["when"], **shape(bands, entry)})
    rows.append({**({"from": start} if start else {}), **shape(entry["bands"], entry)})
    if len(rows) == 1:
        return f"{quote(key[1])} = {inline(rows[0])}"
    return f"{quote(key[1])} = [\n" + "".join(f"  {inline(row)},\n" for row in rows) + "]"


def shape(bands, entry):
    """A row as it stands in the table."""
    row = flat(bands[None])
    if entry.get("web_search") is not None:
        row["web_search"] = entry["web_search"]
    if len(bands) > 1:
        row["long"] = [{"above": above, **flat(band)} for above, band in bands.items() if above]
    if entry.get("retired"):
        row["retired"] = entry["retired"]
    return row


def flat(band):
    row = {kind: band["standard"][kind] for kind in ORDER if kind in band["standard"]}
    for speed in ("batch", "flex", "fast"):
        prices = band.get(speed)
        if isinstance(prices, Decimal):
            row[speed] = f"{plain(prices)}x"
        elif prices:
            row[speed] = {kind: prices[kind] for kind in ORDER if kind in prices}
    return row


def inline(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {inline(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    if isinstance(value, Decimal):
        return f'"{plain(value)}"'
    return json.dumps(value)


def plain(number):
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quote(model):
    return json.dumps(model)


def note(text):
    print(text, file=sys.stderr)


HEADER = """\
# List prices, in US dollars per million tokens.
#
# Written by assets/prices/convert.py from LiteLLM's model_prices_and_context_window.json:
#   source     https://github.com/BerriAI/litellm, release {version} (chat and responses models)
#   retrieved  {retrieved}
#   licence    MIT, Copyright (c) 2023 Berri AI (the file lies outside its enterprise/ folder)
# Retired models come from earlier releases of the same file. Do not edit this file by hand: past
# prices, aliases and mended mistakes stand with their sources in convert.py.
#
# One section per provider, one row per model, or a list of rows when the price changed; the first
# row of a list that is valid at the time of the request holds. The same fields make a [[price]]
# row of the config, beside `provider` and `model`. Amounts are text, so that they stay exact.
#   input, output     fresh input; all output
#   reasoning         the reasoning part of the output, where it costs something else
#   cache_read        input read from a prompt cache
#   cache_write_5m    input written to a cache of five minutes, or of a lifetime not told
#   cache_write_1h    input written to a cache of one hour
#   web_search        dollars per search
#   batch, flex,      prices of the batch interface, the flex tier and fast mode (also called
#   fast              priority): a factor on the row's prices ("0.5x"), or prices of their own
#   long              tiers for the whole request once input, cache reads and cache writes together
#                     exceed `above` tokens, smallest first; a tier names its own batch, flex and
#                     fast prices, and one without a fast price charges its standard price for fast
#   from, until       first day, and the day it no longer holds (from 00:00 UTC)
#   when_utc          ISO weekdays (1 is Monday) and times of the day in UTC when the row holds
#   same_as           another name of a model of this provider
#   retired           gone from LiteLLM; the last release of it that still had the row
#
# What is not published is not guessed: a request that needs a missing price is unpriced. Two
# providers publish a rule instead of a figure, and the program applies it to the rows below:
#   openai      a cache read or write without a price of its own costs as much as fresh input, and
#               a write costs the same for every lifetime up to twelve hours
#   anthropic   a one-hour cache write costs twice the input
# A price of "0" says that the source lists the model at zero (free previews and open weights).
#
# Left out of the source: ultrafast and decision prices, cache lifetimes above twelve hours, audio
# and image tokens, regional surcharges (1.1x), free search quotas, fast prices above OpenAI's
# long-context threshold (fast is not offered there), and these models, which are not charged by
# the token or have no price:
"""

if __name__ == "__main__":
    main()
