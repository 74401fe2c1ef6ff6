"""Right answers of the project's probes, computed: by brute force, by formula, and by reference functions for code."""

import datetime
import heapq
import itertools
import math
import re
from fractions import Fraction

from routing.probes import own_probes

WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def primes(low, high):
    return [n for n in range(low, high) if n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1))]


def round_table():
    people = "ABCDEFG"
    found = 0
    for rest in itertools.permutations(people[1:]):
        row = ("A", *rest)
        found += all({row[i], row[(i + 1) % 7]} != {"A", "B"} for i in range(7))
    return found


def dice():
    given = [(a, b) for a in range(1, 7) for b in range(1, 7) if 3 in (a, b)]
    return sum(a + b == 8 for a, b in given) / len(given)


def determinant(m):
    (a, b, c), (d, e, f), (g, h, i) = m
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def tilings(rows, columns):
    cells = [(r, c) for c in range(columns) for r in range(rows)]

    def count(covered):
        free = next((cell for cell in cells if cell not in covered), None)
        if free is None:
            return 1
        r, c = free
        near = [(r + 1, c), (r, c + 1)]
        return sum(count(covered | {free, o}) for o in near if o in cells and o not in covered)

    return count(frozenset())


def sparse_subsets(n):
    return sum(not (bits & bits >> 1) for bits in range(1 << n))


def necklaces(beads, colours):
    seen = set()
    for row in itertools.product(range(colours), repeat=beads):
        turned = [row[i:] + row[:i] for i in range(beads)]
        seen.add(min([*turned, *(t[::-1] for t in turned)]))
    return len(seen)


def expected_flips(pattern):
    # Conway: the sum of 2^k over every k for which the first k letters are the last k.
    return sum(2**k for k in range(1, len(pattern) + 1) if pattern[:k] == pattern[-k:])


def jugs():
    start, seen = (0, 0), {(0, 0)}
    layer, steps = [start], 0
    while layer:
        if any(big == 4 for _, big in layer):
            return steps
        following = []
        for a, b in layer:
            to_b, to_a = min(a, 5 - b), min(b, 3 - a)
            for state in ((3, b), (a, 5), (0, b), (a, 0), (a - to_b, b + to_b), (a + to_a, b - to_a)):
                if state not in seen:
                    seen.add(state)
                    following.append(state)
        layer, steps = following, steps + 1
    raise AssertionError


def lockers():
    return sum(sum(n % k == 0 for k in range(1, 100, 2)) % 2 for n in range(1, 101))


def bridge(times):
    everyone = frozenset(range(len(times)))
    queue, best = [(0, 0, everyone, True)], {}
    number = itertools.count(1)
    while queue:
        cost, _, here, is_here = heapq.heappop(queue)
        if not here:
            return cost
        if best.get((here, is_here), math.inf) <= cost:
            continue
        best[here, is_here] = cost
        side = here if is_here else everyone - here
        for size in (1, 2):
            for movers in itertools.combinations(side, size):
                after = here - set(movers) if is_here else here | set(movers)
                heapq.heappush(queue, (cost + max(times[m] for m in movers), next(number), after, not is_here))
    raise AssertionError


def seating():
    found = set()
    for row in itertools.permutations(["Kim", "Lea", "Max", "Nina", "Otto"]):
        at = {name: i + 1 for i, name in enumerate(row)}
        if at["Max"] == 3 and at["Nina"] == at["Kim"] + 1 and at["Otto"] not in (1, 5) and at["Lea"] > at["Otto"]:
            found.add(row[4])
    (only,) = found
    return only


def cups():
    place = 1
    for a, b in ((1, 3), (2, 3), (1, 2), (1, 3)):
        place = b if place == a else a if place == b else place
    return place


def knights():
    found = [
        (a, b) for a in (True, False) for b in (True, False) if a == (not b) and b == (a == b)
    ]  # fmt: skip
    return {(True, True): "A", (False, False): "B", (True, False): "C", (False, True): "D"}[found[0]]


def false_statements():
    return next(k for k in range(1, 6) if sum(j != k for j in range(1, 6)) == k)


def recurrence():
    f = {1: 1, 2: 3}
    for n in range(3, 7):
        f[n] = 2 * f[n - 1] - f[n - 2] + n
    return f[6]


def deadline():
    holiday = datetime.date(2026, 5, 25)
    served = datetime.date(2026, 5, 13)
    assert WEEK[served.weekday()] == "Wednesday"
    assert WEEK[holiday.weekday()] == "Monday"
    last = served + datetime.timedelta(10)
    while last.weekday() >= 5 or last == holiday:
        last += datetime.timedelta(1)
    return f"{last.day} May 2026"


def priority():
    last = datetime.date(2024, 3, 15)
    assert last.weekday() < 5
    return "15 March 2024"


def claims(name):
    """Claims of a prompt by number, each with the earlier claims that it names."""
    (prompt,) = (p.prompt for p in own_probes() if p.prompt_id == name)
    told = re.findall(r"^(\d+)\. .*?(?:claim (\d+)|$)", prompt, re.MULTILINE)
    told = told or re.findall(r"\b(\d) (?:is independent|depends on (\d))", prompt)
    return {int(number): int(on) if on else None for number, on in told}


def rests_on(tree, number, other):
    """Whether a claim is another one, or refers to it, directly or not."""
    return number == other or (tree[number] is not None and rests_on(tree, tree[number], other))


def fees():
    """As how many claims each counts: 4 refers to 1, 2 or 3, and 5 to 4."""
    named = {1: (), 2: (1,), 3: (1,), 4: (1, 2, 3), 5: (4,)}
    counted = {}
    for number, on in named.items():
        counted[number] = len(on) if len(on) > 1 else counted[on[0]] if on and counted[on[0]] > 1 else 1
    return sum(counted.values())


def independent():
    return sum(on is None for on in claims("patents/independent").values())


def with_cork():
    tree = claims("patents/includes-cork")
    return sum(rests_on(tree, number, 2) for number in tree)


def left_over():
    tree = claims("patents/dependency-depth")
    assert len(tree) == 7
    return sum(not rests_on(tree, number, 3) for number in tree)


def arrival():
    return f"{datetime.datetime(2026, 1, 1, 22, 40) + datetime.timedelta(hours=9 + 7, minutes=25):%H:%M}"


COMPUTED = {
    "math/sum": lambda: 7 + 8,
    "math/division": lambda: 144 // 12,
    "math/percent": lambda: 0.15 * 240,
    "math/discount": lambda: 80 * 0.75 * 1.1,
    "math/speed": lambda: 180 / 2.5,
    "math/linear": lambda: next(x for x in range(100) if 3 * x - 7 == 2 * x + 11),
    "math/odd-sum": lambda: sum(range(1, 100, 2)),
    "math/gcd": lambda: math.gcd(462, 1071),
    "math/eggs": lambda: 17 * 5 * 3 // 6,
    "math/heron": lambda: math.sqrt(21 * 8 * 7 * 6),
    "math/divisors": lambda: sum(720 % d == 0 for d in range(1, 721)),
    "math/zeros": lambda: len(re.search("0*$", str(math.factorial(250)))[0]),
    "math/inclusion": lambda: sum(n % 2 != 0 and n % 3 != 0 and n % 5 != 0 for n in range(1, 1001)),
    "math/round-table": round_table,
    "math/dice": dice,
    "math/determinant": lambda: determinant(((2, 1, 3), (0, -1, 4), (1, 2, 5))),
    "math/series": lambda: float(sum(Fraction(n, 3**n) for n in range(1, 80))),
    "math/last-two": lambda: pow(7, 2026, 100),
    "math/congruences": lambda: next(n for n in range(1, 2000) if (n % 7, n % 11, n % 13) == (4, 5, 6)),
    "math/primes": lambda: len(primes(200, 300)),
    "math/bounded-sum": lambda: sum(sum(t) == 20 for t in itertools.product(range(1, 11), repeat=3)),
    "math/derangements": lambda: sum(all(p[i] != i for i in range(7)) for p in itertools.permutations(range(7))),
    "math/coupon": lambda: sum(6 / k for k in range(1, 7)),
    "math/hth": lambda: expected_flips("HTH"),
    "math/tilings": lambda: tilings(3, 8),
    "math/sparse-subsets": lambda: sparse_subsets(12),
    "math/necklaces": lambda: necklaces(8, 3),
    "math/nested-power": lambda: pow(3, 3**27, 100),
    "math/quadratic-forms": lambda: sum(a * a + a * b + b * b == 91 for a in range(-20, 21) for b in range(-20, 21)),
    "knowledge/manganese": lambda: 4 * 2 - 1,
    "knowledge/elasticity": lambda: (20 / 100) / (4 / 10),
    "knowledge/decay": lambda: (238 - 4) - (92 - 2 + 2),
    "knowledge/reynolds": lambda: 1000 * 0.5 * 0.04 / 0.001,
    "clinical/anion-gap": lambda: 140 - 100 - 12,
    "clinical/clearance": lambda: (140 - 60) * 72 / (72 * 1.0),
    "clinical/predictive": lambda: 100 * 0.01 * 0.9 / (0.01 * 0.9 + 0.99 * 0.05),
    "clinical/calcium": lambda: 2.10 + 0.02 * (40 - 20),
    "clinical/winter": lambda: 1.5 * 12 + 8,
    "clinical/needed": lambda: 1 / (0.12 - 0.08),
    "law/fine": lambda: max(20, 0.04 * 300),
    "law/negligence": lambda: 200_000 * 0.6,
    "law/stirpes": lambda: 240_000 / 3 / 2,
    "law/deadline": deadline,
    "law/breach-day": lambda: WEEK[(datetime.datetime(2026, 1, 13, 10, 30) + datetime.timedelta(hours=72)).weekday()],
    "patents/priority": priority,
    "patents/fee-count": fees,
    "patents/independent": independent,
    "patents/includes-cork": with_cork,
    "patents/dependency-depth": left_over,
    "reasoning/sequence": lambda: 6 * 7,
    "reasoning/weekday": lambda: WEEK[(WEEK.index("Wednesday") + 100) % 7],
    "reasoning/languages": lambda: 40 - (22 + 18 - 7),
    "reasoning/jugs": jugs,
    "reasoning/knights": knights,
    "reasoning/false-statements": false_statements,
    "reasoning/arrival": arrival,
    "reasoning/recurrence": recurrence,
    "reasoning/lockers": lockers,
    "reasoning/bridge": lambda: bridge((1, 3, 6, 8, 12)),
    "reasoning/seating": seating,
    "reasoning/cups": cups,
    "reasoning/queue": lambda: 8 + 15 - 1,
    "instructions/fizz": lambda: " ".join("x" if n % 3 == 0 else str(n) for n in range(1, 16)),
    "instructions/reverse": lambda: "TRANSLATION"[::-1],
    "instructions/third-words": lambda: " ".join(
        ["Slowly", "the", "old", "ship", "turned", "its", "bow", "towards", "a", "small", "green", "harbour."][2::3]
    ),
    "reading/sledges": lambda: 4 - 1,
    "reading/short-of-plan": lambda: 30 - 19,
    "reading/cooking": lambda: 9 * 2,
    "reading/order-value": lambda: 1200 * 35 + 300 * 33,
    "reading/first-part": lambda: 1500 * 2 // 3,
    "reading/production": lambda: math.ceil(1000 / 400),
}
