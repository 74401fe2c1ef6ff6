"""Sensitive prompts are found, ordinary ones are left alone, and nothing of the prompt is kept."""

import subprocess
import sys

import pytest

pytest.importorskip("detect_secrets", reason="needs the run-time requirements")
pytest.importorskip("datafog", reason="needs the run-time requirements")

from routing import sensitive
from routing.sensitive import KINDS, Finding, find, kinds_found
from tests.benchmarks.personal_data import ATTACKS, PROSE, seconds

FAKE = "a1B2c3D4e5F6g7H8i9J0" * 4

SENSITIVE = [
    ("email", "Please write a reply to maria.keller@northwind-clinic.org about her bill."),
    ("email", "Forward this to j_smith42@mail.co.uk, thanks."),
    ("email", "Contact: Ana <ana.lopez+invoices@acme.io> before Friday"),
    ("email", "from:bob@corp.internal.net\nsubject: salary review"),
    ("secret", "Why does this fail? client = OpenAI(api_key='sk-" + FAKE[:40] + "')"),
    ("secret", "sk-proj-" + FAKE[:60] + " is rejected, what do I do?"),
    ("secret", "export ANTHROPIC_API_KEY=sk-ant-api03-" + FAKE[:50]),
    ("secret", "My key AKIA" + "IOSFODNN7QWERTYU" + " stopped working."),
    ("secret", "git clone https://ci:" + "s3cr3tPa55" + "@git.corp.net/app.git fails"),
    ("secret", "Token ghp_" + FAKE[:36] + " has no access"),
    ("secret", "GITLAB: glpat-" + FAKE[:24]),
    ("secret", "-----BEGIN RSA PRIVATE KEY-----\nMIIEow"),
    ("secret", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb"),
    (
        "secret",
        "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    ),
    ("secret", "slack says xoxb-" + "123456789012-123456789012-abcdefABCDEF123456"),
    ("secret", "stripe.api_key = 'sk_live_" + FAKE[:24] + "'"),
    ("secret", "SG." + FAKE[:22] + "." + FAKE[:43]),
    ("secret", "maps key AIza" + FAKE[:35] + " over quota"),
    ("secret", "hf_" + FAKE[:34] + " cannot read the repository"),
    ("secret", "the password is Tr0ub4dor-and-3 and it does not work"),
    ("secret", "db: host=db1 user=app password=pQ8vL2xZ91 timeout=5"),
    ("secret", '{"client_secret": "9fA7kQ2mX4vB8nZ1"}'),
    ("record", "Summarise the notes of patient MRN 00482913, admitted on Monday."),
    ("record", "MRN: 7749-2210 chest pain for two days"),
    ("record", "NHS number 943 476 5919 needs a referral letter"),
    ("record", "The patient ID is P-1029384; what dose?"),
    ("record", "Medical record number #55120098 shows a creatinine of 2.1"),
    ("record", "My passport number is X1234567, can I travel?"),
    ("record", "Policy no. HX-4482910 was refused, draft an appeal"),
    ("birth", "Jane Doe, DOB 03/14/1962, presents with chest pain."),
    ("birth", "Patient: Peter Marsh. Date of birth: 12 May 1974. Complains of dizziness."),
    ("birth", "Write a letter for Anna Schmidt (born 1988-02-29) about her lease."),
    ("birth", "DOB: 7.11.1955, name: Karl Weber, allergic to penicillin"),
    ("card", "I was charged twice on 4111 1111 1111 1111, what now?"),
    ("card", "card 5500-0055-5555-5559 exp 09/27"),
    ("ssn", "My SSN is 512-44-8821, is my tax form right?"),
    ("ssn", "social security 512448821 was rejected"),
]

ORDINARY = [
    "Prove that the square root of 2 is irrational.",
    "What is 123456789 * 987654321?",
    "Write a Python function that checks whether a string is a valid e-mail address.",
    "In Java, what does the @Override annotation do?",
    "def matmul(a, b):\n    return a @ b.transpose()",
    "y = X@W.transpose() + bias  # shape (n, k)",
    "Explain how JWT tokens are signed, without an example.",
    "How do I read an API key from os.environ['OPENAI_API_KEY'] in Python?",
    "client = OpenAI(api_key='your-api-key-here')",
    "password = getpass.getpass('Password: ')",
    "Set password=${DB_PASSWORD} in docker-compose.yml",
    "api_key = os.getenv('API_KEY')",
    "if password is None: raise ValueError('password required')",
    "Send the form to user@example.com in the test.",
    "git clone git@github.com:torvalds/linux.git gives permission denied",
    "When was Albert Einstein born?",
    "Albert Einstein, born on 14 March 1879 in Ulm, published on relativity. Summarise his life.",
    "The treaty was signed on 12 May 1974. Who signed it?",
    "What happened on 2001-09-11?",
    "Pi is 3.14159265358979323846264338327950288419716939937510",
    "Compute 4111111111111112 mod 97.",
    "A 45-year-old man presents with chest pain and a blood pressure of 150/90. What is the diagnosis?",
    "Patient number 3 in the trial improved; patient number 4 did not. Is that significant?",
    "Translate into German: The meeting is on 3 June 2025 at 10:00.",
    "Order number 12 has 3 items at $4.50 each. What is the total?",
    "Call me Ishmael. Who wrote this?",
    "The commit d670460b4b4aece5915caf5c68d12f560a9fe3e4 broke the build; how do I bisect?",
    "UUID 550e8400-e29b-41d4-a716-446655440000 is of which version?",
    "npm install react@18.2.0 and lodash@4.17.21 fail",
    "SELECT name, ssn FROM people WHERE id = 7; -- how do I index this?",
    "The SKU 512448821 is out of stock. Suggest a message to customers.",
    "Write a regular expression for US social security numbers.",
    "sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "Given ISBN 978-3-16-148410-0, check its digit.",
    "Write a haiku about secrets and tokens.",
    "In US patent 7,654,321 B2, what does claim 1 protect?",
    "for (int i = 0; i < 1000000007; i++) { sum += a[i]; }",
    "Sort these dates: 01/02/2020, 03/04/2019, 12/31/1999.",
    "What is the boiling point of water at 1,013 hPa?",
    "مرحبا، كيف حالك؟ 😀",
    "",
]


@pytest.mark.parametrize(("kind", "prompt"), SENSITIVE)
def test_sensitive_is_found(kind: str, prompt: str) -> None:
    assert kind in {f.kind for f in find(prompt)}


@pytest.mark.parametrize("prompt", ORDINARY)
def test_ordinary_is_left_alone(prompt: str) -> None:
    assert find(prompt) == ()


def test_finding_holds_places_and_no_words() -> None:
    prompt = "write to maria.keller@northwind-clinic.org please"
    (finding,) = find(prompt)
    assert prompt[finding.start : finding.end] == "maria.keller@northwind-clinic.org"
    assert "keller" not in repr(finding)
    assert set(Finding.__slots__) == {"start", "end", "kind"}
    assert kinds_found(prompt) == (KINDS["email"],)


def test_place_is_right_far_into_the_text_and_across_pieces() -> None:
    for before in (0, 3_980, 4_000, 12_345):
        prompt = "x " * (before // 2) + "mail maria.keller@northwind-clinic.org"
        assert [prompt[f.start : f.end] for f in find(prompt)] == ["maria.keller@northwind-clinic.org"]


@pytest.mark.parametrize("length", [0, 4_000, 4_001, 200_000, 1_000_000])
def test_the_work_grows_with_the_length_alone(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    monkeypatch.setattr(sensitive, "_in_piece", lambda piece: read.append(len(piece)) or iter(()))
    find("`" * length)
    assert max(read) <= 4_400
    assert sum(read) <= 1.1 * min(length, 200_000) + 400


@pytest.mark.parametrize("unit", ["@", "a@", "`" * 70 + "@", "a@" + "b." * 200, "x"])
def test_only_what_is_near_an_at_sign_is_searched_for_an_address(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[tuple[int, int]] = []

    class Pattern:
        def finditer(self, _: str, start: int, end: int) -> list[object]:
            searched.append((start, end))
            return []

    monkeypatch.setattr(sensitive, "_library_people", lambda: {"EMAIL": Pattern()})
    piece = (unit * 4_400)[:4_400]
    assert list(sensitive._addresses(piece)) == []
    assert len(searched) == piece.count("@")
    assert all(end - start <= 64 + 1 + 255 for start, end in searched)
    assert sum(end - start for start, end in searched) <= 2 * len(piece) + len(searched)


@pytest.mark.parametrize("name", ATTACKS)
def test_hostile_text_takes_about_as_long_as_prose(name: str) -> None:
    # One piece of it, in processor time; before there were bounds, some took 50 times as long as prose and more.
    prose, hostile = ((unit * 4_400)[:4_400] for unit in (PROSE, ATTACKS[name]))
    assert seconds(hostile) < 25 * seconds(prose) + 0.005


@pytest.mark.parametrize(
    "text",
    [
        "//registry.npmjs.org/:_authToken=npm_" + "a1B2c3D4" * 4,
        "_authToken= 0a1b2c3d-4e5f-6789-abcd-ef0123456789",
        "sk-a1B2c3D4e5F6g7H8i9J0" + "T3BlbkFJ" + "a1B2c3D4e5F6g7H8i9J0",
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0",
        "token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
    ],
)
def test_what_replaces_slow_patterns_of_the_library_finds_what_they_found(text: str) -> None:
    assert {f.kind for f in find(text)} == {"secret"}


@pytest.mark.parametrize(
    "address", ["a@b.org", "x" * 64 + "@example-clinic.org", "first.last+tag@sub.mail.co.uk", "o'neil@site.org"]
)
def test_addresses_up_to_the_longest_are_found(address: str) -> None:
    text = f"{'`' * 500} {address}, and no@t an address"
    assert [text[f.start : f.end] for f in find(text)] == [address]


def test_libraries_load_only_when_needed() -> None:
    code = "import routing.sensitive, sys; assert not {'datafog', 'detect_secrets'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
