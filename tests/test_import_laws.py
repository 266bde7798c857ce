"""The import laws see every module: a folder without `__init__.py` inside a package would escape them."""

import grimp

from deploy.local.places import ROOT


def test_no_module_escapes_the_import_laws():
    roots = ("services", "shared", "deploy")
    modules = grimp.build_graph(*roots, cache_dir=None).modules
    files = {path.relative_to(ROOT).with_suffix("") for root in roots for path in (ROOT / root).rglob("*.py")}
    names = {".".join(file.parts).removesuffix(".__init__") for file in files}
    assert sorted(names - modules) == []
