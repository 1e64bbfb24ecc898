"""A real terminal for a session: size, and the modes that the client asked for."""

from __future__ import annotations

import fcntl
import pty
import struct
import termios

# RFC 4254 section 8: opcode → where it lives in termios
CHARACTERS = {
    1: termios.VINTR, 2: termios.VQUIT, 3: termios.VERASE, 4: termios.VKILL, 5: termios.VEOF, 6: termios.VEOL,
    7: termios.VEOL2, 8: termios.VSTART, 9: termios.VSTOP, 10: termios.VSUSP, 12: termios.VREPRINT,
    13: termios.VWERASE, 14: termios.VLNEXT,
}  # fmt: skip
INPUT, OUTPUT, LOCAL = 0, 1, 3
FLAGS = {
    30: (INPUT, termios.IGNPAR), 31: (INPUT, termios.PARMRK), 32: (INPUT, termios.INPCK),
    33: (INPUT, termios.ISTRIP), 34: (INPUT, termios.INLCR), 35: (INPUT, termios.IGNCR), 36: (INPUT, termios.ICRNL),
    38: (INPUT, termios.IXON), 39: (INPUT, termios.IXANY), 40: (INPUT, termios.IXOFF), 41: (INPUT, termios.IMAXBEL),
    50: (LOCAL, termios.ISIG), 51: (LOCAL, termios.ICANON), 53: (LOCAL, termios.ECHO), 54: (LOCAL, termios.ECHOE),
    55: (LOCAL, termios.ECHOK), 56: (LOCAL, termios.ECHONL), 57: (LOCAL, termios.NOFLSH),
    58: (LOCAL, termios.TOSTOP), 59: (LOCAL, termios.IEXTEN), 60: (LOCAL, termios.ECHOCTL),
    61: (LOCAL, termios.ECHOKE), 70: (OUTPUT, termios.OPOST), 72: (OUTPUT, termios.ONLCR),
    73: (OUTPUT, termios.OCRNL), 74: (OUTPUT, termios.ONOCR), 75: (OUTPUT, termios.ONLRET),
}  # fmt: skip


def open_terminal(size: tuple[int, int, int, int], modes: dict[int, int]) -> tuple[int, int]:
    """A new pseudo terminal (master, slave) of this size (columns, rows, width, height in pixels)."""
    master, slave = pty.openpty()
    resize(master, size)
    _apply(slave, modes)
    return master, slave


def resize(master: int, size: tuple[int, int, int, int]) -> None:
    """Change the size; the kernel tells the programs with SIGWINCH."""
    columns, rows, width, height = (min(max(number, 0), 65_535) for number in size)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, width, height))


def end_of_file(master: int) -> bytes:
    """The character that means end of input on this terminal."""
    character = termios.tcgetattr(master)[6][termios.VEOF]
    return character if isinstance(character, bytes) else bytes([character])


def _apply(slave: int, modes: dict[int, int]) -> None:
    attributes = termios.tcgetattr(slave)
    for opcode, value in modes.items():
        if opcode in CHARACTERS:
            attributes[6][CHARACTERS[opcode]] = bytes([value & 0xFF]) if value != 255 else b"\0"
        elif opcode in FLAGS:
            place, flag = FLAGS[opcode]
            attributes[place] = attributes[place] | flag if value else attributes[place] & ~flag
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
