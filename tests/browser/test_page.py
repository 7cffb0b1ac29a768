"""The page as a visitor uses it, before the whole product; the last tests know which model answers, and how."""

import json
import re

from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from bots.locales import Phrases
from tests.browser.served import served, short_folder

SMALLEST: ViewportSize = {"width": 360, "height": 640}


def answer(page: Page, which: int = -1) -> Locator:
    return page.locator(".answer").nth(which)


def finished(page: Page, turns: int) -> None:
    """Wait until this many answers are whole: each then has its thumbs."""
    expect(page.locator(".answer .deeds:has(.thumb)")).to_have_count(turns)


def say(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Write a message").fill(text)
    page.keyboard.press("Enter")


def record(page: Page, ms: int = 1200) -> None:
    page.get_by_role("button", name="Record a voice note").click()
    page.wait_for_timeout(ms)
    page.get_by_role("button", name="Send the voice note").click()


def test_what_is_written_is_answered(page: Page):
    expect(page.get_by_role("heading")).to_have_text("Hello. What is on your mind?")
    say(page, "Hello there")
    finished(page, 1)
    expect(page.locator(".said")).to_have_text("Hello there")
    expect(answer(page).locator(".text")).not_to_be_empty()
    expect(page.get_by_role("heading", name="Hello. What")).to_be_hidden()


def test_enter_sends_shift_enter_breaks_the_line_and_an_input_method_is_left_alone(page: Page):
    box = page.get_by_role("textbox", name="Write a message")
    box.press_sequentially("one")
    box.press("Shift+Enter")
    box.press_sequentially("two")
    expect(box).to_have_value("one\ntwo")
    box.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    expect(page.locator(".turn")).to_have_count(0)
    box.press("Enter")
    expect(page.locator(".said p")).to_have_text("one\ntwo", use_inner_text=True)
    expect(box).to_have_value("")
    finished(page, 1)


def test_history_and_thumb_are_there_after_a_reload(page: Page):
    say(page, "Remember me")
    finished(page, 1)
    text = answer(page).locator(".text").inner_text()
    with page.expect_response(re.compile("reactions")) as put:
        page.get_by_role("button", name="Good answer").click()
    assert put.value.status == 204
    page.wait_for_timeout(300)  # a reaction is accepted at once and recorded by the worker
    page.reload()
    expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".said")).to_have_text("Remember me")
    expect(answer(page).locator(".text")).to_have_text(text, use_inner_text=True)


def test_the_other_thumb_takes_the_first_one_back(page: Page):
    say(page, "Rate me")
    finished(page, 1)
    page.get_by_role("button", name="Good answer").click()
    with page.expect_response(lambda response: response.request.method == "PUT"):
        page.get_by_role("button", name="Bad answer").click()
    expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "false")
    page.wait_for_timeout(300)
    page.reload()
    expect(page.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "false")


def test_a_new_conversation_is_empty(page: Page):
    say(page, "Old talk")
    finished(page, 1)
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.get_by_role("heading", name="Hello. What")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Hello. What")).to_be_visible()
    expect(page.locator(".turn")).to_have_count(0)


def test_the_language_can_be_switched_and_is_kept(page: Page):
    page.get_by_role("combobox", name="Language").select_option(label="简体中文")
    expect(page.get_by_role("textbox", name="写点什么")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="新对话")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"


def test_the_browsers_language_is_picked(browser: Browser, page_url: str):
    context: BrowserContext = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(page_url)
    expect(page.get_by_role("heading")).to_have_text("你好，想聊点什么？")
    context.close()


def within_reach(button: Locator) -> None:
    box = button.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= SMALLEST["width"]
    assert min(box["width"], box["height"]) >= 36


def test_a_small_phone_scrolls_only_up_and_down(page: Page):
    page.set_viewport_size(SMALLEST)
    say(page, "markdown")
    finished(page, 1)
    say(page, f"Hello {'x' * 80}")
    expect(page.locator(".said")).to_have_count(2)
    expect(page.locator(".answer[aria-busy]")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") == SMALLEST["width"]
    assert page.evaluate("document.getElementById('scroll').scrollWidth <= innerWidth")
    for name in ("Send", "Attach a file", "New conversation", "Record a voice note"):
        within_reach(page.get_by_role("button", name=name, exact=True))
    page.get_by_role("button", name="Record a voice note").click()
    for name in ("Cancel", "Send the voice note"):
        within_reach(page.get_by_role("button", name=name, exact=True))


def test_a_voice_note_shows_what_was_heard_and_can_be_cancelled(page: Page):
    page.get_by_role("button", name="Record a voice note").click()
    expect(page.locator("#timer")).to_have_text("0:01")
    page.keyboard.press("Escape")
    expect(page.get_by_role("textbox")).to_be_visible()
    expect(page.locator(".turn")).to_have_count(0)
    record(page)
    expect(page.locator(".said .player")).to_be_visible()
    expect(answer(page)).not_to_have_attribute("aria-busy", "true")


# From here on the tests know what the model says.


def test_a_voice_note_is_answered_by_voice(page: Page):
    record(page)
    expect(answer(page).locator(".heard")).to_have_text("🎧 I heard: how do you do")
    expect(answer(page).locator(".text")).to_have_text("You said: how do you do")
    play = page.get_by_role("button", name="Play the spoken answer")
    play.click()
    expect(answer(page).locator(".player input")).not_to_have_value("0")
    page.reload()
    expect(answer(page).locator(".heard")).to_have_text("🎧 I heard: how do you do")
    expect(play).to_be_visible()
    expect(page.locator(".said")).to_have_text("🎙 Voice note")


def test_the_answer_grows(page: Page):
    say(page, "slow and steady it grows")
    expect(answer(page).locator(".dots")).to_be_visible()
    expect(answer(page).locator(".text")).to_have_text("You said: slow")
    expect(answer(page)).to_have_attribute("aria-busy", "true")
    finished(page, 1)
    expect(answer(page).locator(".text")).to_have_text("You said: slow and steady it grows")


def test_a_reload_in_the_middle_loses_nothing(page: Page):
    say(page, "slow and steady it goes on")
    expect(answer(page).locator(".text")).to_have_text("You said: slow")
    page.reload()
    expect(answer(page).locator(".text")).to_have_text("You said: slow and steady it goes on")
    finished(page, 1)
    page.reload()
    finished(page, 1)


def test_a_file_is_sent(page: Page, spoken_ogg: bytes):
    page.locator("#picker").set_input_files({"name": "note.ogg", "mimeType": "audio/ogg", "buffer": spoken_ogg})
    expect(page.locator("#file")).to_have_text("note.ogg")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(answer(page).locator(".text")).to_have_text("You said: how do you do")
    expect(page.locator("#file")).to_be_hidden()


def test_what_parley_says_of_itself_has_no_thumbs(page: Page):
    say(page, "/help")
    expect(answer(page).locator(".text")).to_contain_text("/voice")
    expect(page.locator(".thumb")).to_have_count(0)


def exported(page: Page) -> list[str]:
    """What /export gives of what was said, as it is saved."""
    say(page, "/export")
    save = answer(page).get_by_role("button", name="Save the file")
    with page.expect_download() as saving:
        save.click()
    assert saving.value.suggested_filename == "parley.json"
    rooms = json.loads(saving.value.path().read_bytes())["channels"]
    return [turn["said"] for room in rooms for turn in room["turns"]]


def test_what_is_kept_can_be_saved_and_what_is_forgotten_leaves_the_page(page: Page):
    say(page, "hello there")
    finished(page, 1)
    assert exported(page) == ["hello there"]
    say(page, "/forget me")
    expect(page.locator(".turn")).to_have_count(1)
    expect(answer(page).locator(".text")).to_contain_text("Done, I have forgotten you")
    page.reload()
    expect(page.locator(".turn")).to_have_count(0)


def test_another_browser_is_another_person_and_a_reload_is_the_same(page: Page, browser: Browser, page_url: str):
    say(page, "hello from here")
    finished(page, 1)
    context: BrowserContext = browser.new_context(locale="en-GB")
    other = context.new_page()
    other.goto(page_url)
    assert exported(other) == []
    say(other, "/forget me")
    expect(answer(other).locator(".text")).to_contain_text("I have forgotten you")
    context.close()
    page.reload()
    finished(page, 1)
    page.get_by_role("button", name="New conversation").click()
    assert exported(page) == ["hello from here"]


def test_an_error_is_one_line_with_a_second_try(page: Page):
    sorry = f"{Phrases().say('no_answer', 'en')} Try again"
    say(page, "fail")
    expect(answer(page).locator(".trouble")).to_have_text(sorry)
    page.get_by_role("button", name="Try again").click()
    expect(answer(page).locator(".trouble")).to_have_text(sorry)
    expect(page.locator(".turn")).to_have_count(1)


def test_a_broken_connection_is_mended_without_asking_twice(page: Page):
    broken: list[str] = []

    def break_once(route) -> None:  # noqa: ANN001
        if route.request.method == "POST":
            broken.append(route.request.headers["idempotency-key"])
        if route.request.method == "POST" and len(broken) < 3:
            route.abort()
        else:
            route.continue_()

    page.route("**/messages", break_once)
    say(page, "hold on")
    expect(answer(page).locator(".trouble")).to_have_text("The connection was lost. Trying again.")
    finished(page, 1)
    assert len(set(broken)) == 1
    expect(answer(page).locator(".text")).to_have_text("You said: hold on")


def test_the_page_waits_as_long_as_the_server_may_be_silent(browser: Browser):
    with short_folder() as folder, served(folder, silence_s=60) as (address, let_answer):
        page = browser.new_page(locale="en-GB")
        page.clock.install()
        page.goto(address)
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
        with page.expect_response(lambda response: response.request.method == "POST"):
            say(page, "silent for a minute")
        page.clock.run_for(90_000)
        expect(answer(page).locator(".trouble")).to_be_hidden()
        let_answer()
        finished(page, 1)
        assert len(sent) == 1
        expect(answer(page).locator(".text")).to_have_text("You said: silent for a minute")
        page.close()


def test_markup_from_the_model_stays_text(page: Page):
    say(page, "markdown")
    finished(page, 1)
    text = answer(page).locator(".text")
    expect(text.locator("img")).to_have_count(0)
    expect(text.locator("ol > li").nth(1)).to_have_text("second <img src=x onerror=alert(1)>")
    expect(text.locator("strong")).to_have_text("bold")
    expect(text.locator("a")).to_have_count(1)
    expect(text.locator("pre code")).to_contain_text("def greet(name: str) -> str:\n")


def test_a_slash_offers_commands_and_their_choices(page: Page):
    box = page.get_by_label("Write a message")
    box.press_sequentially("/")
    offered = page.get_by_role("listbox", name="Commands").get_by_role("option")
    expect(offered.first).to_contain_text("/help")
    box.press_sequentially("vo")
    expect(offered).to_have_count(1)
    box.press("Enter")
    expect(box).to_have_value("/voice ")
    expect(offered).to_have_text(["auto", "always", "never"])
    box.press("ArrowDown")
    box.press("Tab")
    expect(box).to_have_value("/voice always")
    box.press("Escape")
    expect(page.locator("#suggestions")).to_be_hidden()
    box.press("Enter")
    expect(page.locator(".said")).to_have_text("/voice always")
    box.press_sequentially("and/or")
    expect(page.locator("#suggestions")).to_be_hidden()


def test_voice_and_language_are_picked_and_kept_for_the_conversation(page: Page):
    page.get_by_role("button", name="How I answer here").click()
    for label, value in (("I answer in", "zh-Hans"), ("I answer", "always")):
        with page.expect_response(re.compile("preferences")) as saved:
            page.get_by_label(label, exact=True).select_option(value)
        assert saved.value.ok
    page.reload()
    page.get_by_role("button", name="How I answer here").click()
    expect(page.get_by_label("I answer in", exact=True)).to_have_value("zh-Hans")
    expect(page.get_by_label("I answer", exact=True)).to_have_value("always")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="New conversation").click()
    page.get_by_role("button", name="How I answer here").click()
    expect(page.get_by_label("I answer", exact=True)).to_have_value("auto")


def test_the_model_is_picked_where_several_are_here(page: Page):
    expect(page.locator("#mind")).to_contain_text("echo")
    page.locator("#choose").click()
    with page.expect_response(re.compile("preferences")) as saved:
        page.locator("#answer-model").select_option("built-in")
    assert saved.value.ok
    page.reload()
    page.locator("#choose").click()
    expect(page.locator("#answer-model")).to_have_value("built-in")


def coming(state: str, percent: int, reason: str = "") -> str:
    """What the server tells of its models while one is on its way."""
    mind = {"kind": "mind", "name": "a-real-one", "state": state, "percent": percent, "reason": reason}
    return json.dumps({"models": [{"kind": "language", "name": "small"}], "coming": [mind], "choices": ["small"]})


def test_a_bar_shows_how_far_a_model_is_and_goes_when_it_is_here(page: Page):
    told = [coming("fetching", 40)]
    page.route("**/v1/models", lambda route: route.fulfill(body=told[-1], content_type="application/json"))
    page.reload()
    expect(page.locator("#coming")).to_contain_text("a-real-one")
    expect(page.locator("#coming progress")).to_have_attribute("value", "40")
    told.append(coming("opening", 90))
    expect(page.locator("#coming progress")).to_have_attribute("value", "90")
    told.append(coming("here", 100))
    expect(page.locator("#coming")).to_be_hidden()


def test_why_a_model_does_not_come_is_said_and_shown_as_text(page: Page):
    body = coming("failed", 0, "the disk is <b>full</b>")
    page.route("**/v1/models", lambda route: route.fulfill(body=body, content_type="application/json"))
    page.reload()
    expect(page.locator("#coming")).to_contain_text("the disk is <b>full</b>")


def test_while_models_are_loaded_the_page_says_so(page: Page):
    page.route(
        "**/v1/models", lambda route: route.fulfill(body='{"models": [], "coming": [], "choices": []}', status=200)
    )
    page.reload()
    expect(page.locator("#coming")).to_contain_text("still loading")
