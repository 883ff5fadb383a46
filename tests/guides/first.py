"""What needs nothing."""

from tests.typed import Guide

GUIDES = [Guide("machine")]
