import pytest

from scclamp._errors import InputError
from scclamp.datasets._edges import read_collectri, read_trrust


def _write(tmp_path, text):
    path = tmp_path / "edges"
    path.write_text(text)
    return path


def test_trrust_signs(tmp_path):
    text = (
        "AATF\tBAX\tRepression\t22909821\nAATF\tNA\tUnknown\t1;2\nABL1\tJUN\tActivation\t3\nABL1\tJUN\tRepression\t4\n"
    )
    assert read_trrust(_write(tmp_path, text)).to_dict("list") == {
        "source": ["AATF", "AATF", "ABL1", "ABL1"],
        "target": ["BAX", "NA", "JUN", "JUN"],
        "weight": [-1, 0, 1, -1],
        "evidence": ["22909821", "1;2", "3", "4"],
    }


def test_repeated_row_is_one_edge(tmp_path):
    assert len(read_trrust(_write(tmp_path, "A\tB\tUnknown\t1\n" * 3))) == 1


@pytest.mark.parametrize("text", ["A\tB\tActivates\t1\n", "A\tB\tUnknown\n", "<html></html>\n"])
def test_other_layout_than_trrusts_is_named(tmp_path, text):
    with pytest.raises(InputError, match="layout of TRRUST"):
        read_trrust(_write(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "source,target,weight,resources,references,sign_decision\nMYC,TERT,1,ExTRI;HTRI,1;2,PMID\nSPI1,NAN,-1.0,X,,default\n",
        "tf,target,sign\nMYC,TERT,1\nSPI1,NAN,-1\n",
    ],
)
def test_collectri_in_both_layouts(tmp_path, text):
    found = read_collectri(_write(tmp_path, text))
    assert found[["source", "target", "weight"]].to_numpy().tolist() == [["MYC", "TERT", 1], ["SPI1", "NAN", -1]]
    assert found["evidence"].tolist() == (["1;2", ""] if "references" in text else ["", ""])
    assert found["weight"].dtype == "int64"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("factor,target,sign\nA,B,1\n", "no column 'source'"),
        ("tf,target\nA,B\n", "no column 'weight'"),
        ("tf,target,sign\nA,B,1\nA,C,2\n", "weight '2' in row 2"),
        ("tf,target,sign\nA,B,up\n", "weight 'up' in row 1"),
        ("tf,target,sign\nA,,1\n", "no target in row 1"),
        ("tf,target,sign\nA,B,1,2,3\nA,B\n", "is no table|no column|weight"),
        ("", "is no table"),
    ],
)
def test_bad_collectri_is_named(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_collectri(_write(tmp_path, text))


def test_long_columns_of_another_file_are_cut(tmp_path):
    (tmp_path / "x").write_text("A\t" + "GENE\t" * 1000 + "\n")
    with pytest.raises(InputError, match="not in the layout of CollecTRI") as error:
        read_collectri(tmp_path / "x")
    assert len(str(error.value)) < 300 + len(str(tmp_path))
