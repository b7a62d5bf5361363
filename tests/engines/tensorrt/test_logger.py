"""TensorRT's words end up in our errors: its errors, of the work at hand, and nothing else."""

import pytest

from engines.tensorrt.logger import last_words, open_logger
from tests.engines.tensorrt.fake_tensorrt import fake_tensorrt

ERROR, WARNING = 1, 2


@pytest.fixture
def trt():
    return fake_tensorrt("10.3.0")


def test_errors_are_quoted_and_a_newer_warning_is_not(trt):
    logger = open_logger(trt)
    logger.log(ERROR, "Error Code 6: plan and runtime differ")
    logger.log(WARNING, "The logger passed differs from one already registered")
    assert last_words(logger) == "Error Code 6: plan and runtime differ"


def test_a_warning_alone_is_no_reason(trt):
    logger = open_logger(trt)
    logger.log(WARNING, "Using default stream")
    assert last_words(logger) == "it logged no error"


def test_one_library_has_one_logger_because_it_keeps_to_its_first(trt):
    assert open_logger(trt) is open_logger(trt)
    assert open_logger(trt) is not open_logger(fake_tensorrt("10.3.0"))


def test_what_was_said_of_earlier_work_is_not_quoted_for_later(trt):
    open_logger(trt).log(ERROR, "of the last build")
    assert last_words(open_logger(trt)) == "it logged no error"


def test_months_of_warnings_take_no_more_memory_than_a_hundred(trt):
    logger = open_logger(trt)
    for number in range(1000):
        logger.log(WARNING, str(number))
    assert len(logger.warnings) == 100
