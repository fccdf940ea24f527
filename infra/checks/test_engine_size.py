"""What counts as a line of the engine."""

import unittest

from engine_size import code_lines

SOURCE = """//! A module.

use a::b;

/// A function.
fn c() {
    // Why.
    b();
}

#[cfg(test)]
mod tests {
    fn not_counted() {}
}
"""


class CountedLines(unittest.TestCase):
    def test_blank_lines_comments_and_tests_do_not_count(self):
        self.assertEqual(code_lines(SOURCE), 4)


if __name__ == "__main__":
    unittest.main()
