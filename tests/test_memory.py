import pytest

from scclamp._errors import InputError
from scclamp._memory import require_memory
from scclamp._settings import settings


def test_what_fits_passes_and_what_does_not_is_told_its_size():
    with settings.override(max_memory=0.5):
        require_memory(0.5e9, "This", "Take less")
        with pytest.raises(
            InputError, match=r"^This would take 1\.25 GB, but settings\.max_memory=0\.5 GB\. Take less, or"
        ):
            require_memory(1.25e9, "This", "Take less")
