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


def test_the_claims_file_shown_is_one(tmp_path):
    from zorbench.claims import MEASURES, load_claims

    page = (DOCS / "claims.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    (claim,) = load_claims(tmp_path / "mine.toml")
    assert claim.id == "mine-better"
    assert all(measure in text for measure in MEASURES)


def test_every_key_of_a_setting_s_verdict_is_told(tmp_path):
    from zorbench.claims import Finding, Verdict, load_claims
    from zorbench.claims.document import document

    page = (DOCS / "claims.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    claims = load_claims(tmp_path / "mine.toml")
    answers = {("mine-better", kind): (Finding(Verdict("NOT RUN")), 0.0) for kind in ("published", "matched")}
    found = document("Mine", claims, answers, 8)
    keys = {*found, *found["claims"][0], *found["claims"][0]["settings"][0]}
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []


def test_the_tour_of_spiking_networks_runs_as_printed(capsys):
    (code,) = blocks("spiking.md")
    scope: dict[str, object] = {}
    exec(compile(code, "docs/spiking.md", "exec"), scope)
    right, *_, shape = capsys.readouterr().out.splitlines()
    assert right == "tensor(1.)"
    assert shape == "torch.Size([10, 10])"
    assert all(weight.grad.any() for weight in scope["voters"].parameters())
