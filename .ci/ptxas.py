"""Reads what `ptxas -v` says of every kernel, and fails on spills, stack frames and serialised wgmma.

python3 .ci/ptxas.py LOG
"""

import re
import sys
from pathlib import Path

MOST_REGISTERS = 200  # of 256 threads: more than this and a multiprocessor has no room for anything else
MOST_OF_ALL = {"WarpgroupTile": 240}  # its shared memory leaves no room for anything else anyway


def kernels(log: str) -> list[tuple[str, str, int, int, int]]:
    """(architecture, kernel, registers, bytes of stack, bytes of spills) of every kernel in the log."""
    found = []
    name = architecture = ""
    stack = spilled = 0
    for line in log.splitlines():
        if match := re.search(r"entry function '(\S+)' for '(\S+)'", line):
            name, architecture = match.groups()
        elif match := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            stack, spilled = int(match[1]), int(match[2]) + int(match[3])
        elif (match := re.search(r"Used (\d+) registers", line)) and name:
            found.append((architecture, name, int(match[1]), stack, spilled))
            name = ""
    return found


def main() -> int:
    log = Path(sys.argv[1]).read_text()
    found = kernels(log)
    most = {k[1]: next((most for name, most in MOST_OF_ALL.items() if name in k[1]), MOST_REGISTERS) for k in found}
    wrong = [k for k in found if k[2] > most[k[1]] or k[3] or k[4]]
    for architecture, name, registers, stack, spilled in wrong:
        print(f"{architecture} {name}: {registers} registers, {stack} bytes of stack, {spilled} bytes of spills")
    serialised = re.findall(r".*C75\d\d.*", log)
    print(*serialised, sep="\n", end="\n" if serialised else "")
    for architecture in sorted({k[0] for k in found}):
        registers = [k[2] for k in found if k[0] == architecture]
        print(f"{architecture}: {len(registers)} kernels, at most {max(registers)} registers")
    if not found:
        print("the log names no kernels: was anything compiled?")
    return 1 if wrong or serialised or not found else 0


if __name__ == "__main__":
    sys.exit(main())
