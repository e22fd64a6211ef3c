from __future__ import annotations

from secretsource._jitter import spread
from tests.fakes import run_script

FORK = """
import os
from secretsource._jitter import spread
def factors():
    return repr([spread(number) for number in range(5)])
read, write = os.pipe()
pid = os.fork()
if pid == 0:
    os.write(write, factors().encode())
    os._exit(0)
os.close(write)
with os.fdopen(read) as pipe:
    print(pipe.read())
os.waitpid(pid, 0)
print(factors())
"""


def test_it_lies_between_minus_one_and_one_and_uses_the_whole_range() -> None:
    factors = [spread(number) for number in range(2000)]
    assert all(-1 <= factor <= 1 for factor in factors)
    assert min(factors) < -0.9
    assert max(factors) > 0.9
    assert abs(sum(factors) / len(factors)) < 0.1


def test_a_number_has_the_same_factor_for_the_life_of_the_process() -> None:
    assert [spread(number) for number in range(50)] == [spread(number) for number in range(50)]


def test_it_differs_between_processes_also_with_the_same_hash_seed() -> None:
    script = "from secretsource._jitter import spread; print([spread(number) for number in range(5)])"
    one, two = run_script(script), run_script(script)
    assert (0, 0) == (one.returncode, two.returncode)
    assert one.stdout != two.stdout


def test_it_differs_between_a_process_and_its_child_after_a_fork() -> None:
    done = run_script(FORK)
    assert 0 == done.returncode, done.stderr
    child, parent = done.stdout.splitlines()
    assert child.startswith("[")
    assert child != parent
