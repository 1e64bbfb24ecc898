"""The bootstrap token survives a copy and paste, and says so when it did not."""

import pytest

from aifactory_protocol import BadToken, format_bootstrap_token, parse_bootstrap_token

FINGERPRINT = "ab" * 32


def test_a_token_is_parsed_back_into_what_it_was_made_of():
    text = format_bootstrap_token(bytes(range(24)), FINGERPRINT)
    token = parse_bootstrap_token(f"  {text}\n")
    assert token.ca_fingerprint == FINGERPRINT
    assert token.secret.startswith("aif_boot_")
    assert token.text() == text


@pytest.mark.parametrize("position", [10, 20, 40, 50])
def test_a_changed_character_is_noticed_before_anything_is_sent(position):
    text = format_bootstrap_token(bytes(range(24)), FINGERPRINT)
    other = "a" if text[position] != "a" else "b"
    with pytest.raises(BadToken):
        parse_bootstrap_token(text[:position] + other + text[position + 1 :])


@pytest.mark.parametrize("text", ["", "aif_key_x_y", "aif_boot_abc_00000000." + FINGERPRINT, "x" * 10_000])
def test_other_text_is_not_a_token(text):
    with pytest.raises(BadToken):
        parse_bootstrap_token(text)


def test_too_little_randomness_is_refused():
    with pytest.raises(ValueError, match="random bytes"):
        format_bootstrap_token(b"short", FINGERPRINT)
