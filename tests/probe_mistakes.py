"""Usual mistakes in what the code probes ask for: the hidden tests must catch every one."""

import datetime
import itertools
import re
from collections import Counter


def add_the_first_two(numbers):
    return sum(numbers[:2])


def no_capitals(text):
    return sum(c in "aeiou" for c in text)


def only_spaces_ignored(text):
    kept = text.lower().replace(" ", "")
    return kept == kept[::-1]


def digits_ignored(text):
    kept = [c.lower() for c in text if c.isalpha()]
    return kept == kept[::-1]


def duplicates_counted(numbers):
    return sorted(numbers)[-2] if len(numbers) > 1 else None


def all_of_a_letter(text):
    return [list(pair) for pair in Counter(text).items()]


def nothing_subtracted(n):
    out = ""
    for value, sign in zip((1000, 500, 100, 50, 10, 5, 1), "MDCLXVI", strict=True):
        out, n = out + sign * (n // value), n % value
    return out


def touching_kept_apart(intervals):
    out = []
    for start, end in sorted(intervals):
        if out and start < out[-1][1]:
            out[-1][1] = max(out[-1][1], end)
        else:
            out.append([start, end])
    return out


def inner_end_taken(intervals):
    out = []
    for start, end in sorted(intervals):
        if out and start <= out[-1][1]:
            out[-1][1] = end
        else:
            out.append([start, end])
    return out


def brackets_counted(text):
    return all(text.count(a) == text.count(b) for a, b in ("()", "[]", "{}"))


def start_moves_back(text):
    start = best = 0
    seen = {}
    for place, c in enumerate(text):
        start = seen[c] + 1 if c in seen else start
        seen[c] = place
        best = max(best, place - start + 1)
    return best


def row_by_row(matrix):
    return [x for row in matrix for x in row]


def letters_in_common(a, b):
    return len(set(a) & set(b))


def greedy_subsequence(a, b):
    place = found = 0
    for c in a:
        if (at := b.find(c, place)) >= 0:
            place, found = at + 1, found + 1
    return found


def no_zero(n, base):
    digits, rest = "", abs(n)
    while rest:
        digits, rest = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % base] + digits, rest // base
    return "-" * (n < 0) + digits


def equal_arrangements_kept(numbers):
    every = sorted(itertools.permutations(numbers))
    return list(every[(every.index(tuple(numbers)) + 1) % len(every)])


def walls_ignored(grid):
    return len(grid) + len(grid[0]) - 2


def rest_of_text_ignored(text):
    h, m, s = (int(x or 0) for x in re.match(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text).groups())
    return 3600 * h + 60 * m + s if text else -1


def order_ignored(text):
    size = {"h": 3600, "m": 60, "s": 1}
    if not re.fullmatch(r"(\d+[hms])+", text):
        return -1
    return sum(int(n) * size[unit] for n, unit in re.findall(r"(\d+)([hms])", text))


def other_signs_not_escaped(pattern, text):
    return re.fullmatch(pattern.replace("?", ".").replace("*", ".*"), text) is not None


def greedy_coins(amount, coins):
    count = 0
    for coin in sorted(coins, reverse=True):
        count, amount = count + amount // coin, amount % coin
    return count if amount == 0 else -1


def rounded_at_the_end(expression):
    return int(eval(expression))  # noqa: S307 - a mistake that the prompt forbids


def rounded_down(expression):
    return eval(expression.replace("/", "//"))  # noqa: S307


def differences_once(numbers, k):
    return sorted({abs(a - b) for a, b in itertools.combinations(numbers, 2)})[k - 1]


def counted_from_zero(numbers, k):
    return sorted(abs(a - b) for a, b in itertools.combinations(numbers, 2))[k]


def half_the_lines(rows):
    return 1 + sum(c != " " for row in rows for c in row) // 2


def after_equal_values(numbers, value):
    return sum(n <= value for n in numbers)


def one_mistake_left(numbers, value):
    low, high = 0, len(numbers) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if numbers[middle] < value else (low, middle)
    return low


def saturdays(year):
    return sum(datetime.date(year, month, 13).weekday() == 5 for month in range(1, 13))


MISTAKES = {
    "code/sum": (add_the_first_two,),
    "code/vowels": (no_capitals,),
    "code/palindrome": (only_spaces_ignored, digits_ignored),
    "code/second-largest": (duplicates_counted,),
    "code/run-lengths": (all_of_a_letter,),
    "code/roman": (nothing_subtracted,),
    "code/intervals": (touching_kept_apart, inner_end_taken),
    "code/brackets": (brackets_counted,),
    "code/unique-run": (start_moves_back,),
    "code/spiral": (row_by_row,),
    "code/subsequence": (letters_in_common, greedy_subsequence),
    "code/base": (no_zero,),
    "code/permutation": (equal_arrangements_kept,),
    "code/grid": (walls_ignored,),
    "code/duration": (rest_of_text_ignored, order_ignored),
    "code/wildcard": (other_signs_not_escaped,),
    "code/coins": (greedy_coins,),
    "code/arithmetic": (rounded_at_the_end, rounded_down),
    "code/kth-difference": (differences_once, counted_from_zero),
    "code/slashes": (half_the_lines,),
    "code/debug-search": (after_equal_values, one_mistake_left),
    "code/calendar": (saturdays,),
}
