"""Random valid recurrence rules and what python-dateutil makes of them.

Usage: dateutil_rules.py SEED COUNT

Prints COUNT lines: start, rule, first day of a window and the occurrences from there, separated by tabs. All times
are naive, as python-dateutil's own stepping is. A rule that takes it more than a moment is left out and another is
drawn, so the lines depend on the speed of the machine only in which rules they are about.
"""

import datetime
import itertools
import random
import signal
import sys

from dateutil.rrule import rrulestr

DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
FREQUENCIES = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"]
WANTED = 25


class TooSlow(Exception):
    pass


def alarm(signum, frame):
    raise TooSlow


def some(rng, values, most):
    return sorted(rng.sample(list(values), rng.randint(1, most)))


def signed(rng, limit, most):
    values = [n for n in range(-limit, limit + 1) if n]
    return some(rng, values, most)


def draw(rng):
    frequency = rng.choice(FREQUENCIES)
    parts = ["FREQ=" + frequency]
    step = rng.choice([1, 1, 1, 2, 3, 5, 13])
    if step > 1:
        parts.append(f"INTERVAL={step}")
    limits = FREQUENCIES.index(frequency)

    def add(name, values):
        parts.append(f"{name}={','.join(map(str, values))}")

    chance = lambda p: rng.random() < p
    weeks = frequency == "YEARLY" and chance(0.12)
    if weeks:
        add("BYWEEKNO", signed(rng, 53, 3))
    if chance(0.3):
        add("BYMONTH", some(rng, range(1, 13), 4))
    if frequency not in ("DAILY", "WEEKLY", "MONTHLY") and chance(0.12):
        add("BYYEARDAY", signed(rng, 366, 5))
    if frequency != "WEEKLY" and chance(0.25):
        add("BYMONTHDAY", signed(rng, 31, 4))
    if chance(0.45):
        days = rng.sample(DAYS, rng.randint(1, 4))
        if frequency in ("MONTHLY", "YEARLY") and not weeks and chance(0.5):
            # Numbered or plain, not both: dateutil takes what both name, the standard what either names.
            most = 5 if frequency == "MONTHLY" else 53
            days = [f"{rng.choice([n for n in range(-most, most + 1) if n])}{day}" for day in days]
        add("BYDAY", days)
    if chance(0.2):
        add("BYHOUR", some(rng, range(24), 4))
    if chance(0.15):
        add("BYMINUTE", some(rng, range(60), 4))
    if chance(0.1):
        add("BYSECOND", some(rng, range(60), 3))
    if len(parts) > 2 and limits < 5 and chance(0.2):
        add("BYSETPOS", signed(rng, 5, 2))
    if chance(0.3):
        parts.append("WKST=" + rng.choice(DAYS))
    if chance(0.3):
        parts.append(f"COUNT={rng.randint(1, 60)}")
    return ";".join(parts)


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    signal.signal(signal.SIGVTALRM, alarm)
    printed = 0
    while printed < count:
        start = datetime.datetime(1996, 1, 1) + datetime.timedelta(minutes=15 * rng.randrange(35000 * 40))
        rule = draw(rng)
        ahead = rng.choice([0, 0, 1, 30, 400])
        window = (start + datetime.timedelta(days=ahead)).replace(hour=0, minute=0, second=0)
        horizon = datetime.datetime(2090, 1, 1)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.05)
        try:
            times = rrulestr("RRULE:" + rule, dtstart=start)
            inside = (t for t in times if t >= window)
            found = list(itertools.islice(itertools.takewhile(lambda t: t < horizon, inside), WANTED))
        except (TooSlow, ValueError, IndexError):
            continue
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        text = "%Y%m%dT%H%M%S"
        print(start.strftime(text), rule, window.strftime(text), ",".join(t.strftime(text) for t in found), sep="\t")
        printed += 1


main()
