"""Functions that do what the code probes ask for; their own tests must let them pass."""

import datetime
import itertools
import re


def second_largest(numbers):
    found = sorted(set(numbers))
    return found[-2] if len(found) > 1 else None


def roman(n):
    out = ""
    for value, text in zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"), strict=True,
    ):  # fmt: skip
        out, n = out + text * (n // value), n % value
    return out


def merge_intervals(intervals):
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


def balanced(text):
    open_, pairs = [], {")": "(", "]": "[", "}": "{"}
    for sign in text:
        if sign in "([{":
            open_.append(sign)
        elif sign in pairs and (not open_ or open_.pop() != pairs[sign]):
            return False
    return not open_


def longest_unique(text):
    runs = (text[i:j] for i in range(len(text)) for j in range(i, len(text) + 1))
    return max((len(r) for r in runs if len(set(r)) == len(r)), default=0)


def spiral(matrix):
    rows, out = [list(row) for row in matrix], []
    while rows:
        out += rows.pop(0)
        rows = [list(row) for row in zip(*rows, strict=True)][::-1]
    return out


def common(a, b):
    row = [0] * (len(b) + 1)
    for x in a:
        before = row[:]
        for j, y in enumerate(b):
            row[j + 1] = before[j] + 1 if x == y else max(before[j + 1], row[j])
    return row[-1]


def to_base(n, base):
    digits, rest = "", abs(n)
    while rest or not digits:
        digits, rest = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % base] + digits, rest // base
    return "-" * (n < 0) + digits


def next_permutation(numbers):
    every = sorted(set(itertools.permutations(numbers)))
    return list(every[(every.index(tuple(numbers)) + 1) % len(every)])


def shortest(grid):
    high, wide = len(grid), len(grid[0])
    layer, seen, steps = set() if grid[0][0] else {(0, 0)}, set(), 0
    while layer:
        if (high - 1, wide - 1) in layer:
            return steps
        seen |= layer
        near = {(r + a, c + b) for r, c in layer for a, b in ((0, 1), (1, 0), (0, -1), (-1, 0))} - seen
        layer = {(r, c) for r, c in near if 0 <= r < high and 0 <= c < wide and not grid[r][c]}
        steps += 1
    return -1


def seconds(text):
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    if not text or found is None:
        return -1
    h, m, s = (int(part or 0) for part in found.groups())
    return 3600 * h + 60 * m + s


def matches(pattern, text):
    made = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch(made, text, re.DOTALL) is not None


def fewest_coins(amount, coins):
    best = {0: 0}
    for total in range(1, amount + 1):
        ways = [best[total - coin] for coin in coins if total - coin in best]
        if ways:
            best[total] = min(ways) + 1
    return best.get(amount, -1)


def evaluate(expression):
    tokens = re.findall(r"\d+|[-+*/()]", expression)

    def atom():
        first = tokens.pop(0)
        if first == "-":
            return -atom()
        if first == "(":
            value = total()
            tokens.pop(0)
            return value
        return int(first)

    def product():
        value = atom()
        while tokens and tokens[0] in "*/":
            sign, other = tokens.pop(0), atom()
            value = value * other if sign == "*" else abs(value) // abs(other) * (1 if value * other >= 0 else -1)
        return value

    def total():
        value = product()
        while tokens and tokens[0] in "+-":
            value = value + product() if tokens.pop(0) == "+" else value - product()
        return value

    return total()


def kth_difference(numbers, k):
    return sorted(abs(a - b) for a, b in itertools.combinations(numbers, 2))[k - 1]


def regions(rows):
    n = len(rows) * 3
    wall = set()
    for r, row in enumerate(rows):
        for c, sign in enumerate(row):
            for i in range(3):
                if sign != " ":
                    wall.add((3 * r + i, 3 * c + (2 - i if sign == "/" else i)))
    left, count = {(r, c) for r in range(n) for c in range(n)} - wall, 0
    while left:
        count += 1
        todo = [left.pop()]
        while todo:
            r, c = todo.pop()
            for near in {(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)} & left:
                left.remove(near)
                todo.append(near)
    return count


def is_palindrome(text):
    kept = [c.lower() for c in text if c.isalnum()]
    return kept == kept[::-1]


REFERENCES = {
    "code/sum": sum,
    "code/vowels": lambda text: sum(c in "aeiou" for c in text.lower()),
    "code/palindrome": is_palindrome,
    "code/second-largest": second_largest,
    "code/run-lengths": lambda text: [[c, len(list(run))] for c, run in itertools.groupby(text)],
    "code/roman": roman,
    "code/intervals": merge_intervals,
    "code/brackets": balanced,
    "code/unique-run": longest_unique,
    "code/spiral": spiral,
    "code/subsequence": common,
    "code/base": to_base,
    "code/permutation": next_permutation,
    "code/grid": shortest,
    "code/duration": seconds,
    "code/wildcard": matches,
    "code/coins": fewest_coins,
    "code/arithmetic": evaluate,
    "code/kth-difference": kth_difference,
    "code/slashes": regions,
    "code/debug-search": lambda numbers, value: sum(n < value for n in numbers),
    "code/calendar": lambda year: sum(datetime.date(year, m, 13).weekday() == 4 for m in range(1, 13)),
}
