"""oneDNN's products are used where they are those of float32, and the switch is put back."""

import threading

import pytest
import torch

from vqa.models import products
from vqa.models.products import fast_products


def test_products_are_exact_and_the_switch_is_put_back():
    one, other = torch.rand(300, 200), torch.rand(200, 100)
    before = torch.get_float32_matmul_precision()
    with fast_products():
        found = one @ other
    expected = one.double() @ other.double()
    assert (found - expected).norm() <= 1e-6 * expected.norm()
    assert torch.get_float32_matmul_precision() == before
    with pytest.raises(KeyError), fast_products():
        raise KeyError
    assert torch.get_float32_matmul_precision() == before


def test_a_processor_with_a_lower_precision_keeps_the_other_library(monkeypatch):
    """Where the switch does lower the precision, as with AMX, it stays off."""
    products._is_exact.cache_clear()
    monkeypatch.setattr(products, "EXACT", 0.0)
    switch = torch.backends.mkldnn.matmul
    before = switch.fp32_precision
    with fast_products():
        assert switch.fp32_precision == before
    products._is_exact.cache_clear()


def test_the_check_may_run_in_any_thread_and_mode():
    products._is_exact.cache_clear()

    def run():
        with torch.inference_mode(), fast_products():
            torch.rand(3, 3) @ torch.rand(3, 3)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    with fast_products():
        (torch.rand(3, 3, requires_grad=True) @ torch.rand(3, 3)).sum().backward()


def test_blocks_of_several_threads_leave_the_switch_as_it_was():
    """Whichever ends first: the last one puts the switch back."""
    switch = torch.backends.mkldnn.matmul
    before = switch.fp32_precision
    inside, leave = threading.Event(), threading.Event()

    def run():
        with fast_products():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=run)
    with fast_products():
        on = switch.fp32_precision
        thread.start()
        inside.wait(10)
    assert switch.fp32_precision == on
    leave.set()
    thread.join()
    assert switch.fp32_precision == before
