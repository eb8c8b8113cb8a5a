"""What docs/ shows is what happens."""

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_page_on_baselines_is_what_they_declare():
    """`zorbench list baselines --markdown > docs/baselines.md` brings it up to date."""
    from zorbench.cli.baselines_page import baselines_page

    assert (DOCS / "baselines.md").read_text(encoding="utf-8") == baselines_page()


def test_every_page_is_linked_and_every_link_leads_somewhere():
    root = DOCS.parent
    pages = [root / "README.md", root / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
    linked = set()
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            path = (page.parent / target).resolve()
            assert path.exists(), f"{page.name}: {target}"
            linked.add(path)
    assert set(DOCS.glob("*.md")) <= linked


def test_the_tour_of_the_core_runs_as_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("zor.md")
    scope: dict[str, object] = {}
    exec(compile(code, "docs/zor.md", "exec"), scope)
    assert (tmp_path / "digits.safetensors").is_file()
    assert scope["first"].predict(scope["images"]).shape == (10, 784)
    rates, norms, alignments = (
        capsys.readouterr().out.strip().removeprefix("(").removesuffix(")").split(") (")
    )
    assert all(0 < float(rate) <= 1 for rate in rates.split(","))
    assert all(float(norm) > 0 for norm in norms.split(","))
    assert all(-1 <= float(alignment) <= 1 for alignment in alignments.split(","))


def test_the_tour_of_spiking_networks_runs_as_printed(capsys):
    (code,) = blocks("spiking.md")
    scope: dict[str, object] = {}
    exec(compile(code, "docs/spiking.md", "exec"), scope)
    right, *_, shape = capsys.readouterr().out.splitlines()
    assert right == "tensor(1.)"
    assert shape == "torch.Size([10, 10])"
    assert all(weight.grad.any() for weight in scope["voters"].parameters())
