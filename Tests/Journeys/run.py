#!/usr/bin/env python3
"""Runs the journeys: run.py [--jobs N] [--keep] [JOURNEY...]

Prints each test as it ends, what failed with the ends of its logs, and at last alone on a line `N passed, N failed`.
The exit status is 0 if nothing failed. Each journey runs in a process of its own, `--jobs` of them at a time.
"""
import argparse
import concurrent.futures
import importlib.util
import inspect
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
RESULT = "RESULT "


def load(name):
    specification = importlib.util.spec_from_file_location(name, HERE / f"{name}_journey.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def tests_of(module):
    found = [value for key, value in vars(module).items() if key.startswith("test_") and callable(value)]
    return sorted(found, key=lambda function: inspect.getsourcelines(function)[1])


def perform(name, keep):
    """One journey, in this process. Each test's end is a line that begins with RESULT."""
    import stage as stages

    module = load(name)
    tests = tests_of(module)
    stage = stages.Stage(name)
    # A runner that gives up on this journey says so with SIGTERM; what was started here must not outlive it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    ground_is_lost = None
    try:
        for test in [*([module.set_up] if hasattr(module, "set_up") else []), *tests]:
            title = test.__name__.removeprefix("test_").replace("_", " ")
            print(f"--- {name}: {title}", flush=True)
            started = time.monotonic()
            try:
                if ground_is_lost:
                    raise stages.Failure(f"not reached: {ground_is_lost}")
                test(stage)
                outcome = "ok"
            except stages.Skip as skip:
                outcome = f"skipped: {skip}"
                if test.__name__ == "set_up":
                    for each in tests:
                        print(f"{RESULT}{each.__name__.removeprefix('test_').replace('_', ' ')}\t{outcome}\t0", flush=True)
                    return
            except Exception as error:
                outcome = "FAILED"
                expected = isinstance(error, stages.Failure)
                print(f"{error}" if expected else traceback.format_exc(), flush=True)
                if not ground_is_lost:
                    print(stage.logs(), flush=True)
                if test.__name__ == "set_up":
                    ground_is_lost = "the journey could not be set up"
            if test.__name__ != "set_up":
                print(f"{RESULT}{title}\t{outcome}\t{time.monotonic() - started:.1f}", flush=True)
    finally:
        if hasattr(module, "tear_down"):
            module.tear_down(stage)
        stage.close(keep)


def weight(name):
    """About how long a journey takes: its tests, of which each takes longer where whole machines start."""
    module = load(name)
    return len(tests_of(module)) * (5 if hasattr(module, "run_in_guest") else 1)


class Runner:
    def __init__(self, arguments):
        self.arguments, self.lock = arguments, threading.Lock()
        self.counts = {"ok": 0, "skipped": 0, "FAILED": 0}

    def run(self, name):
        words = [sys.executable, str(HERE / "run.py"), "--perform", name] + (["--keep"] if self.arguments.keep else [])
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", bufsize=1)
        killer = threading.Timer(self.arguments.timeout, process.terminate)
        killer.start()
        passage, seen = [], 0
        for line in process.stdout:
            if not line.startswith(RESULT):
                passage.append(line)
                continue
            seen += 1
            title, outcome, seconds = line[len(RESULT):].rstrip("\n").split("\t")
            self.report(name, title, outcome, seconds, passage)
            passage = []
        status = process.wait()
        killer.cancel()
        expected = len(tests_of(load(name)))
        for _ in range(seen, expected):
            self.report(name, "did not end", "FAILED", "-", passage + [f"the journey's process ended with status {status}\n"])
            passage = []

    def report(self, name, title, outcome, seconds, passage):
        with self.lock:
            self.counts[outcome.split(":")[0]] += 1
            print(f"{outcome.split(':')[0]:>7}  {name}: {title} ({seconds} s)" + (f" - {outcome}" if ":" in outcome else ""), flush=True)
            # Of a journey that could not be set up the first test has the reason, the others only that they were not reached.
            is_reached = len(passage) > 2 or not any(line.startswith("not reached: ") for line in passage)
            if outcome == "FAILED" and is_reached or self.arguments.verbose:
                print("".join(f"         | {line}" for line in passage[-120:]), end="", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("journeys", nargs="*")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--keep", action="store_true", help="keep the throwaway directories")
    parser.add_argument("--verbose", action="store_true", help="print all commands, not only of tests that fail")
    parser.add_argument("--timeout", type=float, default=900, help="seconds for one journey")
    parser.add_argument("--perform", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.perform:
        return perform(arguments.perform, arguments.keep)
    all_names = sorted(path.name.removesuffix("_journey.py") for path in HERE.glob("*_journey.py"))
    unknown = [name for name in arguments.journeys if name not in all_names]
    if unknown:
        parser.error(f"no such journey: {', '.join(unknown)}; there are {', '.join(all_names)}")
    names = arguments.journeys or all_names
    # The longest first, so that none is left alone at the end.
    names.sort(key=weight, reverse=True)
    runner = Runner(arguments)
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for future in [pool.submit(runner.run, name) for name in names]:
            future.result()
    print(os.environ.get("COFFER_TEST_SUMMARY", ""), end="")
    print(f"{len(names)} journeys in {time.monotonic() - started:.0f} s")
    counts = runner.counts
    print(f"{counts['ok']} passed, {counts['FAILED']} failed" + (f", {counts['skipped']} skipped" if counts["skipped"] else ""))
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
