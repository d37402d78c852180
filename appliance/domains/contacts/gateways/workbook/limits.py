"""What one Excel file may cost, and what its reader ends with."""

MEMORY_BYTES = 1024 * 2**20
TEXT_BYTES = 256 * 2**20
CPU_S = 120
PEEK_CPU_S = 20  # at its first rows, while somebody waits
PATIENCE_S = 300.0
OPEN_FILES = 64
AT_ONCE = 2  # in one process
TURN_S = 10.0
MOST_ROWS = 1_048_576  # of any sheet
MOST_COLUMNS = 201
EMPTY_ROWS_END = 5_000  # after so many blank ones nothing comes any more
DAMAGED, TOO_LARGE = 3, 4
