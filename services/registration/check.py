"""`python -m services.registration.check FILE…`: says what is wrong with package files, before they are handed in.

Every fault has its line, column and field, what is wrong and what would be right; of a file without faults it says
what does not fit together in the whole of it. The service judges a file that is handed in by the same functions.

Exit code 0 where all files are fine, 1 where something was found, 2 where a file cannot be opened.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .formats.faults import PackageFault
from .formats.findings import findings
from .formats.package import PackageContent, PackageFaulty, read_package


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the files that are named and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m services.registration.check", description="检查政策包 (YAML)")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="政策包文件")
    parser.add_argument("--en", action="store_true", help="report in English")
    given = parser.parse_args(arguments)
    checked = [_check(path, english=given.en) for path in given.files]
    sys.stdout.write("".join(f"{line}\n" for _, lines in checked for line in lines))
    return max(code for code, _ in checked)


def _check(path: Path, *, english: bool) -> tuple[int, list[str]]:
    """The exit code of one file, and what is told about it."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        return 2, [f"{path}: {'cannot be read' if english else '无法读取'}: {error.strerror}"]
    try:
        read = read_package(raw)
    except PackageFaulty as error:
        heading = "faults: the file is not a package" if english else "处错误，不是有效的政策包"
        return 1, _report(path, error.faults, heading, english=english)
    found = findings(read.file, read.package, read.marked)
    if found:
        heading = "findings: it does not fit together" if english else "处前后不一致"
        return 1, _report(path, found, heading, english=english)
    fine = f"{path}: {'nothing found' if english else '未发现问题'}"
    return 0, [fine, *(f"  {line}" for line in _summary(read, english=english))]


def _report(path: Path, found: Sequence[PackageFault], heading: str, *, english: bool) -> list[str]:
    lines = [f"{path}: {len(found)} {heading}"]
    for one in found:
        place = f":{one.line}:{one.column}" if one.line else ""
        lines.append(f"  {path}{place}  {one.pointer or '/'}  {one.english if english else one.detail}  [{one.code}]")
    return lines


def _summary(read: PackageContent, *, english: bool) -> list[str]:
    package, file = read.package, read.file
    window = package.window
    first, last = window.opens_on or "…", window.closes_on or "…"
    subsidies = file.subsidies.given if file.subsidies else ()
    if english:
        return [
            f"scheme {package.scheme}, pool {package.pool}, benefit year {package.benefit_year}",
            f"window {first} to {last}, {len(package.late)} late stage(s)",
            f"{len(package.premiums)} rate(s), {len(subsidies)} kind(s) of help, {len(package.sentences)} sentence(s)",
            f"version {package.version}",
        ]
    return [
        f"方案 {package.scheme}，统筹区 {package.pool}，{package.benefit_year} 年度",
        f"征缴期 {first} 至 {last}，逾期阶段 {len(package.late)} 个",
        f"费率 {len(package.premiums)} 组，资助 {len(subsidies)} 项，原文 {len(package.sentences)} 句",
        f"版本 {package.version}",
    ]


if __name__ == "__main__":
    sys.exit(main())
