"""What holds for everything in the registry, whoever added it."""

import pytest

from finetooth import registry


@pytest.mark.parametrize("check", registry.checks(), ids=lambda c: c.name)
def test_a_check_documents_itself(check):
    assert "Bad:" in check.doc
    assert "Fix:" in check.doc
    assert check.tasks == () or set(check.tasks) <= set(registry.tasks())


@pytest.mark.parametrize("reader", registry.readers(), ids=lambda r: r.name)
def test_a_reader_belongs_to_a_task(reader):
    assert reader.task in registry.tasks()
