"""Does a prompt hold something that should stay on this machine? Kinds and places only; the words are never kept.

Detection is by two kept libraries, offline and without models: detect-secrets for keys and passwords, datafog for
addresses, cards, numbers and dates. What they lack is added here, and what they call too often is checked again.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

KINDS: Mapping[str, str] = {
    "email": "an e-mail address",
    "secret": "a key or password",
    "record": "a record number",
    "birth": "a name with a date of birth",
    "card": "a card number",
    "ssn": "a social security number",
}
_MOST_CHARACTERS = 200_000
# Text is searched piece by piece, so that no pattern, of a later release of the libraries either, can take time with
# the square of a prompt's length.
_PIECE = 4_000
_OVERLAP = 400
_LOCAL_PART = 64  # characters before the @ of an address, and after it: RFC 5321, 4.5.3.1
_DOMAIN = 255
_NEAR = 90  # characters between a name and its date of birth


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place in the prompt, ``start`` to ``end``, that looks sensitive; ``kind`` is a key of KINDS."""

    start: int
    end: int
    kind: str


def find(prompt: str) -> tuple[Finding, ...]:
    """Everything in a prompt that looks sensitive, in order; at most the first 200,000 characters are read."""
    text = prompt[:_MOST_CHARACTERS]
    found = {
        Finding(start + offset, end + offset, kind)
        for offset, piece in _pieces(text)
        for kind, start, end in _in_piece(piece)
    }
    kept: list[Finding] = []
    for finding in sorted(found, key=lambda f: (f.start, -f.end)):
        if not kept or finding.start >= kept[-1].end or finding.kind != kept[-1].kind:
            kept.append(finding)
    return tuple(kept)


def kinds_found(prompt: str) -> tuple[str, ...]:
    """What kinds of sensitive things a prompt seems to hold, in words for a person, each once."""
    return tuple(dict.fromkeys(KINDS[f.kind] for f in find(prompt)))


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    for start in range(0, max(1, len(text)), _PIECE):
        yield start, text[start : start + _PIECE + _OVERLAP]


def _in_piece(piece: str) -> Iterator[tuple[str, int, int]]:
    for kind, pattern, is_real in _patterns():
        for match in pattern.finditer(piece):
            group = "value" if "value" in pattern.groupindex else 0
            if is_real(match):
                yield kind, match.start(group), match.end(group)
    for match in _addresses(piece):
        if _is_address(match):
            yield "email", match.start(), match.end()
    yield from _births(piece)


def _addresses(piece: str) -> Iterator[re.Match[str]]:
    """Addresses, looked for around every @ alone: the library's pattern starts anew at every character before one."""
    pattern = _library_people()["EMAIL"]
    ats = [at for at, character in enumerate(piece) if character == "@"]
    for before, at, after in zip([-1, *ats], ats, [*ats[1:], len(piece)], strict=False):
        yield from pattern.finditer(piece, max(before + 1, at - _LOCAL_PART), min(after, at + 1 + _DOMAIN))


Check = Callable[[re.Match[str]], bool]


@functools.cache
def _patterns() -> tuple[tuple[str, re.Pattern[str], Check], ...]:
    found: list[tuple[str, re.Pattern[str], Check]] = [("secret", p, _is_secret) for p in _library_secrets()]
    found += [("secret", pattern, _is_secret) for pattern in _OWN_SECRETS]
    people = _library_people()
    found += [("card", people["CREDIT_CARD"], _is_card), ("ssn", people["SSN"], _is_ssn)]
    found += [("record", _RECORD, _always)]
    return tuple(found)


def _library_secrets() -> tuple[re.Pattern[str], ...]:
    """Patterns of detect-secrets that take linear time; its checks that call the provider are never used.

    Those for tokens of npm, keys of OpenAI and signed web tokens start anew at every character of a long run, so that
    ours stand in for them.
    """
    from detect_secrets.plugins import (
        aws,
        azure_storage_key,
        basic_auth,
        discord,
        github_token,
        gitlab_token,
        private_key,
        pypi_token,
        sendgrid,
        slack,
        square_oauth,
        stripe,
        telegram_token,
        twilio,
    )

    detectors = (
        aws.AWSKeyDetector,
        azure_storage_key.AzureStorageKeyDetector,
        basic_auth.BasicAuthDetector,
        discord.DiscordBotTokenDetector,
        github_token.GitHubTokenDetector,
        gitlab_token.GitLabTokenDetector,
        private_key.PrivateKeyDetector,
        pypi_token.PypiTokenDetector,
        sendgrid.SendGridDetector,
        slack.SlackDetector,
        square_oauth.SquareOAuthDetector,
        stripe.StripeDetector,
        telegram_token.TelegramBotTokenDetector,
        twilio.TwilioKeyDetector,
    )
    return tuple(pattern for detector in detectors for pattern in detector().denylist)


@functools.cache
def _library_people() -> Mapping[str, re.Pattern[str]]:
    from datafog.processing.text_processing.regex_annotator import RegexAnnotator

    return dict(RegexAnnotator().patterns)


# Formats younger than detect-secrets 1.5.0 or that it is slow with, and passwords that are spelled out.
_OWN_SECRETS = (
    re.compile(r"(?<![A-Za-z0-9_=-])eyJ[A-Za-z0-9_=-]++\.[A-Za-z0-9_=-]++(?:\.[A-Za-z0-9_.+/=-]*+)?"),
    re.compile(r"_authToken=\s*+(?P<value>npm_\S++|[A-Fa-f0-9-]{36})"),
    re.compile(r"\bsk-(?:ant-|proj-|or-v1-|svcacct-)?[A-Za-z0-9_\-]{24,}"),
    re.compile(r"\bAIza[0-9A-Za-z_\-]{35}\b"),
    re.compile(r"\b(?:hf_|gsk_|xai-|r8_|github_pat_|sk_test_)[A-Za-z0-9_]{20,}"),
    re.compile(r"BEGIN ENCRYPTED PRIVATE KEY"),
    re.compile(
        r"\b(?:api[_ -]?key|secret[_ -]?key|access[_ -]?token|auth[_ -]?token|client[_ -]?secret|password|passwd|pwd)"
        r"\b[\"']?\s*(?:=|:|is)\s*[\"'`]?(?P<value>[^\s\"'`,;()<>{}\[\]]{8,200})",
        re.IGNORECASE,
    ),
)
_PLACEHOLDER = re.compile(
    r"x{4,}|\.{3}|\*{3}|your|example|changeme|placeholder|dummy|redacted|environ|getenv|process\.env|\$", re.IGNORECASE
)
_RECORD = re.compile(
    r"\b(?:MRN|NHS\s+(?:number|no\.?)|(?:medical\s+|patient\s+|hospital\s+)(?:record\s+)?(?:number|no\.?|id)"
    r"|(?:passport|policy|insurance|member|case\s+file|driver'?s?\s+licen[cs]e)\s+(?:number|no\.?|id))"
    r"\s*+(?:is|was|[:#=])?+\s*+#?+\s*+(?P<value>\d{3}\s\d{3}\s\d{4}|(?=[A-Z0-9\-]{0,12}\d{3})[A-Z0-9][A-Z0-9\-]{4,19})\b",
    re.IGNORECASE,
)
_RESERVED = re.compile(r"@(?:[\w-]+\.)*(?:example\.(?:com|org|net)|[\w-]+\.(?:example|test|invalid)|localhost)$", re.I)
_ROBOTS = {"git", "noreply", "no-reply", "user", "username", "you", "name"}
_SSN_WORDS = re.compile(r"\b(?:ssn|social\s+security)\b", re.IGNORECASE)
_NAME = re.compile(r"\b[A-Z][a-zà-ÿ]{1,20}(?:[ \t](?:[A-Z]\.|[A-Z][a-zà-ÿ'’-]{1,20})){1,3}(?![a-z])")
_BORN = re.compile(r"\b(?:DOB|D\.O\.B\.|date\s+of\s+birth|birth\s?date|born(?:\s+on)?)\b", re.IGNORECASE)
_DATE = re.compile(
    r"\b(?:\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d{2}|(?:19|20)\d{2}-\d{2}-\d{2}"
    r"|\d{1,2}(?:st|nd|rd|th)?\s+(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?,?\s+(?:19|20)\d{2}"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+(?:19|20)\d{2})\b"
)
_NOT_NAMES = {"Date", "Birth", "The", "What", "When", "Patient", "Name", "Born", "January", "February", "March"}


def _births(piece: str) -> Iterator[tuple[str, int, int]]:
    """Names with a date of birth: the word, a full date and a name close together."""
    for born in _BORN.finditer(piece):
        date = _DATE.search(piece, born.end(), born.end() + 40)
        if date is None or _year(date.group()) < _OLDEST_LIVING:
            continue
        before = [m for m in _NAME.finditer(piece, max(0, born.start() - _NEAR), born.start()) if _is_name(m)]
        after = [m for m in _NAME.finditer(piece, date.end(), date.end() + _NEAR) if _is_name(m)]
        if before or after:
            ends = (before[-1] if before else after[0]).span()
            yield "birth", min(ends[0], born.start()), max(ends[1], date.end())


_OLDEST_LIVING = 1915


def _year(date: str) -> int:
    found = re.search(r"(?:19|20)\d{2}", date)
    return int(found.group()) if found else _OLDEST_LIVING


def _is_name(match: re.Match[str]) -> bool:
    return not _NOT_NAMES.intersection(match.group().split())


def _always(match: re.Match[str]) -> bool:
    return True


def _is_secret(match: re.Match[str]) -> bool:
    """Whether a value is a real one, not a placeholder, a word or a piece of code."""
    value = match["value"] if "value" in match.re.groupindex else match.group()
    if "PRIVATE KEY" in value or "KeyFile" in value:
        return True
    is_mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    return is_mixed and not _PLACEHOLDER.search(value) and len(set(value)) > 5


def _is_address(match: re.Match[str]) -> bool:
    address, after = match.group(), match.string[match.end() : match.end() + 1]
    robot = address.split("@")[0].lower() in _ROBOTS
    return not robot and after != "(" and not _RESERVED.search(address)


def _is_card(match: re.Match[str]) -> bool:
    """Luhn's check digit, and not a piece of a longer number."""
    digits = [int(c) for c in match.group() if c.isdigit()]
    around = match.string[max(0, match.start() - 1) : match.start()] + match.string[match.end() : match.end() + 1]
    total = sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(reversed(digits)))
    return total % 10 == 0 and not any(c.isdigit() or c == "." for c in around) and len(set(digits)) > 1


def _is_ssn(match: re.Match[str]) -> bool:
    """Dashed, or with the words beside it: nine digits alone are any number."""
    before = match.string[max(0, match.start() - 40) : match.start()]
    around = match.string[max(0, match.start() - 1) : match.start()] + match.string[match.end() : match.end() + 1]
    return ("-" in match.group() and not re.search(r"[\w-]", around)) or _SSN_WORDS.search(before) is not None
