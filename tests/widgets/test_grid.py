from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rich.cells import cell_len
from textual import events
from textual.geometry import Region
from textual.strip import Strip

from tests.widgets.tables import (
    COLUMNS,
    FEW,
    PICTURES,
    WIDTHS,
    GridApp,
    drawn,
    picture,
    plain_rows,
    sample,
)
from tui.model.health import Level
from tui.view.table import Cell, Row
from tui.widgets.grid import MARGIN, Grid

SIZE = (60, 11)
PAGE = SIZE[1] - 1


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_table_looks_like_its_picture(width: int) -> None:
    assert await picture(width) == (PICTURES / f"{width}.txt").read_text("utf-8")


async def test_ascii_and_wide_look_like_their_pictures() -> None:
    ascii, wide = await picture(80, ascii=True), await picture(120, wide=True)
    assert ascii == (PICTURES / "80-ascii.txt").read_text("utf-8")
    assert wide == (PICTURES / "120-wide.txt").read_text("utf-8")


async def test_without_colour_the_picture_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shown = await picture(80)
    assert shown == (PICTURES / "80.txt").read_text("utf-8")
    for mark in ("■ failing", "▲ degraded", "✓ healthy", "· idle", "? unknown", "↓RPS"):
        assert mark in shown


class Watch:
    """What a grid was asked to draw, and what stands on the screen for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.regions: list[tuple[Region, ...]] = []
        self.lines: list[int] = []
        self.screen: dict[int, Strip] = {}
        refresh, render_line = Grid.refresh, Grid.render_line

        def refreshing(grid: Grid, *regions: Region, repaint: bool = True, layout: bool = False,
                       recompose: bool = False) -> Grid:  # fmt: skip
            self.regions.append(regions)
            return refresh(grid, *regions, repaint=repaint, layout=layout, recompose=recompose)

        def rendering(grid: Grid, y: int) -> Strip:
            self.lines.append(y)
            self.screen[y] = render_line(grid, y)
            return self.screen[y]

        monkeypatch.setattr(Grid, "refresh", refreshing)
        monkeypatch.setattr(Grid, "render_line", rendering)
        self._render_line = render_line

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Forget what was asked before."""
        self.regions.clear()
        self.lines.clear()
        yield

    def assert_true(self, grid: Grid) -> None:
        """Every line that was ever painted is the one that would be painted now."""
        for y in range(grid.size.height):
            assert list(self.screen[y]) == list(self._render_line(grid, y)), y


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


async def test_only_lines_that_changed_are_drawn_and_in_one_go(watch: Watch) -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        rows = plain_rows(range(100))
        app.grid.show(FEW, rows)
        await pilot.pause()
        for changed, lines in (({2, 3}, [3, 4]), ({9, 10, 99}, [10]), ({50, 51}, []), (set(), [])):
            rows = [Row(r.key, plain_rows([r.key], version=len(watch.lines) + 1)[0].cells)
                    if r.key in changed else r for r in rows]  # fmt: skip
            with watch.quiet():
                app.grid.show(FEW, list(rows))
                await pilot.pause()
                assert watch.lines == lines
                assert len(watch.regions) == (1 if lines else 0)
                assert [r.y for regions in watch.regions for r in regions] == lines
                assert not any(r.x for regions in watch.regions for r in regions)
        watch.assert_true(app.grid)


async def test_a_row_that_comes_or_goes_out_of_sight_costs_nothing(watch: Watch) -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        app.grid.show(FEW, plain_rows(range(100)))
        await pilot.pause()
        for count in (99, 101, 20):
            with watch.quiet():
                app.grid.show(FEW, plain_rows(range(count)))
                await pilot.pause()
                assert watch.lines == []
        with watch.quiet():
            app.grid.show(FEW, plain_rows(range(8)))
            await pilot.pause()
            assert watch.lines == [9, 10]
        watch.assert_true(app.grid)


async def test_another_order_draws_the_header_and_what_moved(watch: Watch) -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        app.grid.show(FEW, plain_rows("abcdef"), order=("name", False))
        await pilot.pause()
        with watch.quiet():
            app.grid.show(FEW, plain_rows("abcfed"), order=("version", True))
            await pilot.pause()
            assert watch.lines == [0, 4, 6]
        watch.assert_true(app.grid)


async def test_a_cursor_step_draws_two_lines(watch: Watch) -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        app.grid.show(FEW, plain_rows(range(100)))
        await pilot.pause()
        with watch.quiet():
            app.grid.action_cursor_down()
            await pilot.pause()
            assert sorted(watch.lines) == [1, 2]
        with watch.quiet():
            app.grid.action_column_right()
            await pilot.pause()
            assert watch.lines == [2]
        watch.assert_true(app.grid)


async def test_stale_greys_everything_once(watch: Watch) -> None:
    app = GridApp()
    async with app.run_test(size=(120, 11)) as pilot:
        app.grid.show(COLUMNS, sample())
        await pilot.pause()
        with watch.quiet():
            app.grid.show(COLUMNS, sample(), stale=True)
            await pilot.pause()
            assert sorted(watch.lines) == list(range(11))
        grey = app.grid.get_component_rich_style("grid--stale")
        for row in range(1, len(sample())):
            assert [segment.style for segment in app.grid.render_line(row + 1)] == [grey]
        with watch.quiet():
            app.grid.show(COLUMNS, sample(), stale=True)
            await pilot.pause()
            assert watch.lines == []
            app.grid.show(COLUMNS, sample())
            await pilot.pause()
            assert len(watch.lines) == 11
        watch.assert_true(app.grid)


async def test_two_tones_of_one_colour_are_one_segment() -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        cells = (Cell("a", Level.IDLE), Cell("b", dim=True), Cell("c", Level.FAILING))
        app.grid.show(FEW, [Row(1, cells), Row(2, cells)])
        await pilot.pause()
        line = list(app.grid.render_line(2))
        assert [segment.text.split() for segment in line] == [["a", "b"], ["c"]]


async def test_another_theme_draws_everything_in_its_colours(watch: Watch) -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        app.grid.show(FEW, plain_rows("abc"))
        await pilot.pause()
        before = list(app.grid.render_line(2))
        app.theme = "textual-light"
        await pilot.pause()
        assert list(app.grid.render_line(2)) != before
        watch.assert_true(app.grid)


async def test_lines_in_view_stay_put_while_rows_change() -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        app.grid.show(FEW, plain_rows(range(100)))
        await pilot.pause()
        app.grid.scroll_to(y=40, animate=False)
        app.grid.show(FEW, plain_rows(range(100), version=1))
        await pilot.pause()
        assert drawn(app.grid)[1].startswith("row 40")
        app.grid.show(FEW, plain_rows(range(1, 100)))
        assert app.grid.scroll_offset.y == 40


async def test_a_placed_cursor_takes_the_view_along_and_an_unplaced_one_does_not() -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        keys = list(range(100))
        app.grid.show(FEW, plain_rows(keys))
        await pilot.pause()
        app.grid.show(FEW, plain_rows(keys[50:] + keys[:50]))
        assert (app.grid.cursor_key, app.grid.scroll_offset.y) == (50, 0)
        app.grid.action_cursor_down()
        app.grid.show(FEW, plain_rows(keys))
        assert (app.grid.cursor_key, app.grid.position) == (51, "52/100")
        assert app.grid.scroll_offset.y == 51 - PAGE + 1 + MARGIN
        app.grid.scroll_to(y=0, animate=False)
        app.grid.show(FEW, plain_rows(keys[1:]))
        assert (app.grid.cursor_key, app.grid.scroll_offset.y) == (51, 0)


async def test_fewer_rows_than_were_scrolled_past_leave_no_hole() -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        app.grid.show(FEW, plain_rows(range(100)))
        await pilot.pause()
        app.grid.scroll_to(y=90, animate=False)
        app.grid.show(FEW, plain_rows(range(30)))
        await pilot.pause()
        assert app.grid.scroll_offset.y == 30 - PAGE
        app.grid.show(FEW, [])
        await pilot.pause()
        assert [line.strip() for line in drawn(app.grid)[1:]] == [""] * PAGE
        assert (app.grid.position, app.grid.cursor_key, app.grid.visible_keys()) == ("", None, ())
        app.grid.action_choose()
        app.grid.action_page_down()
        await pilot.pause()
        assert ("Chosen", None) not in app.heard()


async def test_every_step_of_the_cursor() -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        app.grid.show(FEW, plain_rows(range(100)))
        await pilot.pause()
        grid = app.grid
        steps = (
            (grid.action_cursor_up, 0), (grid.action_cursor_down, 1),
            (grid.action_page_down, 1 + PAGE), (grid.action_half_page_down, 1 + PAGE + PAGE // 2),
            (grid.action_half_page_up, 1 + PAGE), (grid.action_page_up, 1),
            (grid.action_bottom, 99), (grid.action_cursor_down, 99), (grid.action_page_down, 99),
            (grid.action_top, 0), (grid.action_page_up, 0),
        )  # fmt: skip
        for step, row in steps:
            step()
            assert grid.cursor_key == row
            top = grid.scroll_offset.y
            assert min(MARGIN, row) <= row - top <= PAGE - 1 - min(MARGIN, 99 - row)
        assert grid.move_to(42)
        assert grid.position == "43/100"
        assert not grid.move_to("nobody")
        assert grid.cursor_key == 42


async def test_a_page_keeps_the_cursors_line_on_the_screen() -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        app.grid.show(FEW, plain_rows(range(100)))
        await pilot.pause()
        app.grid.move_to(5)
        app.grid.action_page_down()
        assert (app.grid.cursor_key, app.grid.scroll_offset.y) == (5 + PAGE, PAGE)


async def test_the_current_column_moves_and_survives_a_narrow_screen() -> None:
    app = GridApp()
    async with app.run_test(size=(120, 11)) as pilot:
        grid = app.grid
        grid.show(COLUMNS, sample())
        await pilot.pause()
        assert grid.cursor_column == "service"
        grid.action_column_left()
        assert grid.cursor_column == "service"
        for _ in range(5):
            grid.action_column_right()
        assert grid.cursor_column == "p50"
        await pilot.resize_terminal(60, 11)
        await pilot.pause()
        assert grid.cursor_column == "service"
        await pilot.resize_terminal(120, 11)
        await pilot.pause()
        assert grid.cursor_column == "p50"
        for _ in range(20):
            grid.action_column_right()
        assert grid.cursor_column == "health"


async def test_keys_on_screen_and_a_page_either_side() -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        assert app.grid.visible_keys() == ()
        app.grid.show(FEW, plain_rows(range(100)))
        await pilot.pause()
        assert app.grid.visible_keys() == tuple(range(2 * PAGE))
        app.grid.scroll_to(y=50, animate=False)
        assert app.grid.visible_keys() == tuple(range(50 - PAGE, 50 + 2 * PAGE))
        assert app.grid.visible_keys(pages=0) == tuple(range(50, 50 + PAGE))


async def test_it_tells_what_the_user_did() -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        app.grid.show(FEW, plain_rows("abc"))
        await pilot.pause()
        app.heard()
        app.grid.action_cursor_down()
        await pilot.pause()
        app.grid.action_column_right()
        app.grid.action_choose()
        await pilot.pause()
        assert app.heard() == [("Moved", "b", "name"), ("Moved", "b", "version"), ("Chosen", "b")]
        app.grid.show(FEW, plain_rows("ca"))
        await pilot.pause()
        assert app.heard() == [("Moved", "c", "version")]
        app.grid.show(FEW, plain_rows("ac"))
        app.grid.action_cursor_down()
        await pilot.pause()
        assert app.heard() == []


async def test_the_mouse_goes_to_a_cell_and_enters_what_it_is_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(GridApp, "CLICK_CHAIN_TIME_THRESHOLD", 0.0)
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        app.grid.show(FEW, plain_rows("abc"))
        await pilot.pause()
        app.heard()
        await pilot.click(Grid, offset=(57, 2))
        assert app.heard() == [("Moved", "b", "last")]
        await pilot.click(Grid, offset=(3, 2))
        assert app.heard() == [("Moved", "b", "name")]
        await pilot.click(Grid, offset=(3, 2))
        assert app.heard() == [("Chosen", "b")]
        await pilot.click(Grid, offset=(3, 9))
        assert app.heard() == []


async def test_a_double_click_anywhere_goes_there_and_enters() -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        app.grid.show(FEW, plain_rows("abc"))
        await pilot.pause()
        app.heard()
        await pilot.double_click(Grid, offset=(3, 3))
        assert app.heard() == [("Moved", "c", "name"), ("Chosen", "c")]


async def test_a_double_click_on_the_cursor_enters_once() -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        app.grid.show(FEW, plain_rows("abc"))
        app.grid.action_cursor_down()
        await pilot.pause()
        app.heard()
        await pilot.double_click(Grid, offset=(3, 2))
        assert app.heard() == [("Chosen", "b")]


async def test_a_first_click_on_the_first_row_does_not_enter_it() -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        app.grid.show(FEW, plain_rows("abc"))
        await pilot.pause()
        app.heard()
        await pilot.click(Grid, offset=(3, 1))
        assert ("Chosen", "a") not in app.heard()


async def test_the_mouse_sorts_by_a_title_and_scrolls() -> None:
    app = GridApp()
    async with app.run_test(size=SIZE) as pilot:
        app.grid.show(FEW, plain_rows(range(100)))
        await pilot.pause()
        app.heard()
        for x, column in ((0, "name"), (50, "version"), (59, "last")):
            await pilot.click(Grid, offset=(x, 0))
            assert app.heard() == [("Sorted", column)]
        wheel = events.MouseScrollDown(app.grid, 5, 5, 0, 0, 0, False, False, False)
        app.grid.post_message(wheel)
        await pilot.pause()
        assert app.heard() == [("Scrolled",)]
        assert app.grid.cursor_key == 0
        assert drawn(app.grid)[1].startswith("row 2 ")
        assert drawn(app.grid)[0].startswith("NAME ")


async def test_another_size_fits_the_columns_and_keeps_the_cursor_in_view(watch: Watch) -> None:
    app = GridApp()
    async with app.run_test(size=(120, 30)) as pilot:
        rows = [row for n in range(6) for row in sample()]
        app.grid.show(COLUMNS, [Row(n, row.cells) for n, row in enumerate(rows)])
        app.grid.move_to(25)
        for size in ((60, 12), (80, 24), (200, 8), (30, 5), (10, 2), (120, 30)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert {cell_len(line) for line in drawn(app.grid)} == {size[0]}
            top = app.grid.scroll_offset.y
            assert top <= 25 < top + size[1] - 1
            watch.assert_true(app.grid)


async def test_rows_of_the_wrong_shape_and_hostile_text_break_nothing() -> None:
    app = GridApp()
    async with app.run_test(size=(80, 9)) as pilot:
        bad = "\x1b[2J\n\t‮\x9b" * 50
        rows = [Row(n, tuple(Cell(bad) for _ in range(n))) for n in range(0, 20, 3)]
        app.grid.show(COLUMNS, rows)
        await pilot.pause()
        assert {cell_len(line) for line in drawn(app.grid)} == {80}
        assert all(line.isprintable() for line in drawn(app.grid))


async def test_it_may_be_filled_before_it_is_on_a_screen() -> None:
    app = GridApp()
    app.grid.show(FEW, plain_rows("abc"))
    app.grid.move_to("c")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert drawn(app.grid)[3].startswith("row c")
        assert app.grid.cursor_key == "c"
