"""The folder backend: what is a clip, whose it is, which prompt it shows. Only the last tests need real videos."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.backends import Backend, open_backend
from bench.backends.folder import FolderBackend, make_prompt_id
from bench.records import ClipRequest, FrameholdError, MissingClip, Prompt, Suite
from bench.video import content_hash, read_frames

NO_SUITE = Suite("folder", 1, ())


def lay(folder: Path, *files: str) -> Path:
    """Files with some bytes of their own, in `folder`."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(f"bytes of {file}".encode())
    return folder


def table(folder: Path, text: str) -> Path:
    """A clips.csv of those lines, in a folder of its own with the files a.mp4, b.mp4 and c.mp4."""
    lay(folder, "a.mp4", "b.mp4", "c.mp4")
    (folder / "clips.csv").write_text(text, encoding="utf-8")
    return folder


def requests(
    folder: Path, model: str | None = None, suite: Suite = NO_SUITE, models: tuple[str, ...] = ()
) -> list[ClipRequest]:
    return list(FolderBackend(str(folder), model).plan(suite, models).requests)


def summary(folder: Path, model: str | None = None, suite: Suite = NO_SUITE) -> list[tuple[str, str, str, int]]:
    """(file, model, prompt id, seed) of every request."""
    backend = FolderBackend(str(folder), model)
    found = backend.plan(suite, ()).requests
    return [(backend.submit(request), request.key.model, request.key.prompt_id, request.key.seed) for request in found]


def refusal(folder: Path, model: str | None = None, suite: Suite = NO_SUITE) -> str:
    with pytest.raises(FrameholdError) as caught:
        FolderBackend(str(folder), model).plan(suite, ())
    assert not isinstance(caught.value, MissingClip)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- layouts -----------------------------------------------------------------------------------------------------


def test_a_flat_folder_is_of_one_model_in_natural_order(tmp_path: Path) -> None:
    lay(tmp_path, "clip10.mp4", "clip2.webm", "Clip1.GIF", "pics/1.png", "pics/2.png", "README.md", "labels.csv")
    lay(tmp_path, ".hidden.mp4", ".DS_Store", "thumbs/.keep")
    assert summary(tmp_path, "Mine") == [
        ("Clip1.GIF", "Mine", "clip1", 0),
        ("clip2.webm", "Mine", "clip2", 0),
        ("clip10.mp4", "Mine", "clip10", 0),
        ("pics", "Mine", "pics", 0),
    ]
    assert FolderBackend(str(tmp_path), "Mine").models() == ("Mine",)


def test_a_folder_a_model_pairs_clips_of_one_name(tmp_path: Path) -> None:
    lay(tmp_path, "B model/dog.mp4", "B model/cat.mp4", "A/dog.gif", "A/cat/0.jpg", "A/cat/1.jpg", "logs/run.txt")
    assert summary(tmp_path) == [
        ("A/cat", "A", "cat", 0),
        ("A/dog.gif", "A", "dog", 0),
        ("B model/cat.mp4", "B model", "cat", 0),
        ("B model/dog.mp4", "B model", "dog", 0),
    ]
    assert FolderBackend(str(tmp_path)).models() == ("A", "B model")


def test_one_file_or_one_folder_of_pictures_is_a_clip(tmp_path: Path) -> None:
    lay(tmp_path, "one.mp4", "other.mp4", "frames/0.png", "frames/1.png", "frames/notes.txt")
    assert summary(tmp_path / "one.mp4", "M") == [("one.mp4", "M", "one", 0)]
    assert summary(tmp_path / "frames", "M") == [("frames", "M", "frames", 0)]
    (request,) = requests(tmp_path / "frames", "M")
    assert FolderBackend(str(tmp_path / "frames"), "M").fetch(request, "frames").path == tmp_path / "frames"


def test_paths_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, "here/a.mp4", "here/frames/0.png")
    monkeypatch.chdir(tmp_path / "here")
    backend = FolderBackend(".", "M")
    found = backend.plan(NO_SUITE, ()).requests
    paths = [backend.fetch(request, backend.submit(request)).path for request in found]
    assert paths == [tmp_path / "here" / "a.mp4", tmp_path / "here" / "frames"]
    assert summary(Path("a.mp4"), "M") == [("a.mp4", "M", "a", 0)]
    monkeypatch.chdir(tmp_path / "here" / "frames")
    assert summary(Path(), "M") == [("frames", "M", "frames", 0)]


def test_files_that_share_an_id_are_seeds_of_one_prompt(tmp_path: Path) -> None:
    lay(tmp_path, "M/A dog.mp4", "M/a-dog.mp4", "M/a_dog.gif")
    assert [(key, seed) for _, _, key, seed in summary(tmp_path)] == [("a-dog", 0), ("a-dog", 1), ("a-dog", 2)]


@pytest.mark.parametrize(
    ("files", "model", "complaint"),
    [
        (
            (),
            "M",
            "no clips here; looked for videos (.avi, .gif, .m4v, .mkv, .mov, .mp4, .webm, .webp), folders of png",
        ),
        (("notes.txt", "A/notes.txt"), None, "no clips here"),
        (("a.mp4",), None, "nothing says which model made these clips: give --model NAME"),
        (("pics/0.png",), None, "nothing says which model made these clips: give --model NAME"),
        (
            ("A/a.mp4", "b.mp4"),
            None,
            "holds clips (b.mp4) and folders of clips (A): move the clips into a folder named",
        ),
        (("A/a.mp4", "b.mp4"), "M", "holds clips (b.mp4) and folders of clips (A)"),
        (("A/a.mp4",), "M", "its folders (A, ...) name the models: leave out --model"),
    ],
)
def test_layouts_that_say_too_little_or_too_much(
    tmp_path: Path, files: tuple[str, ...], model: str | None, complaint: str
) -> None:
    message = refusal(lay(tmp_path, *files), model)
    assert message.startswith(f"{tmp_path}: ")
    assert complaint in message


def test_paths_that_hold_nothing(tmp_path: Path) -> None:
    lay(tmp_path, "notes.txt")
    assert "absent: no such folder or file: give the folder of the clips with --clips" in refusal(tmp_path / "absent")
    assert "notes.txt: not a video file (.avi" in refusal(tmp_path / "notes.txt", "M")


def test_models_are_chosen_and_unknown_ones_named(tmp_path: Path) -> None:
    lay(tmp_path, "A/a.mp4", "B/a.mp4", "C/a.mp4")
    assert [request.key.model for request in requests(tmp_path, models=("C", "A"))] == ["A", "C"]
    with pytest.raises(FrameholdError, match="no clips of model 'D': it has A, B, C"):
        requests(tmp_path, models=("A", "D"))


# ---- clips.csv ---------------------------------------------------------------------------------------------------


def test_a_table_says_what_is_what(tmp_path: Path) -> None:
    table(
        tmp_path,
        "file,model,prompt,prompt_id,seed,category,moves,fps\n"
        "b.mp4,Two,A dog runs.,,,animals,subject,\n"
        'a.mp4,One,"A dog, running",dog,7,animals,camera,\n'
        "\n"
        "pics,One,A dog runs.,,,,,8\n",
    )
    lay(tmp_path, "pics/0.png")
    assert summary(tmp_path) == [
        ("b.mp4", "Two", "a-dog-runs", 0),
        ("a.mp4", "One", "dog", 7),
        ("pics", "One", "a-dog-runs", 0),
    ]
    found = requests(tmp_path)
    assert found[0].prompt == found[2].prompt == Prompt("a-dog-runs", "A dog runs.", category="animals")
    assert found[1].prompt == Prompt("dog", "A dog, running", category="animals", moves="camera")
    assert [request.fps for request in found] == [None, None, 8.0]
    assert FolderBackend(str(tmp_path)).models() == ("Two", "One")


def test_files_not_listed_are_left_out(tmp_path: Path) -> None:
    assert [file for file, *_ in summary(table(tmp_path, "file\nb.mp4\n"), "M")] == ["b.mp4"]


def test_the_model_comes_from_the_table_then_the_option_then_the_folder(tmp_path: Path) -> None:
    lay(tmp_path, "Sub/d.mp4", "Sub/deep/e.mp4")
    table(tmp_path, "file,model\na.mp4,Given\nSub/d.mp4,\nSub/deep/e.mp4,\n")
    assert [model for _, model, *_ in summary(tmp_path, "Option")] == ["Given", "Option", "Option"]
    assert [model for _, model, *_ in summary(tmp_path)] == ["Given", "Sub", "Sub"]
    table(tmp_path, "file,model\na.mp4,Given\nb.mp4,\n")
    assert refusal(tmp_path) == (
        f"{tmp_path / 'clips.csv'} line 3: no model for b.mp4: fill the model column, or give --model NAME"
    )


def test_equal_prompts_are_one_prompt_for_every_model_and_get_seeds(tmp_path: Path) -> None:
    table(tmp_path, "file,model,prompt\na.mp4,One,A dog\nb.mp4,One, a DOG! \nc.mp4,Two,A dog\n")
    assert summary(tmp_path) == [
        ("a.mp4", "One", "a-dog", 0),
        ("b.mp4", "One", "a-dog", 1),
        ("c.mp4", "Two", "a-dog", 0),
    ]
    assert {request.prompt.text for request in requests(tmp_path)} == {"A dog"}


def test_seeds_not_given_fill_the_gaps(tmp_path: Path) -> None:
    table(tmp_path, "file,prompt,seed\na.mp4,A dog,\nb.mp4,A dog,0\nc.mp4,A dog,\na.mp4,A dog,2\n")
    assert [seed for *_, seed in summary(tmp_path, "M")] == [1, 0, 3, 2]


def test_a_prompt_is_put_together_from_its_rows(tmp_path: Path) -> None:
    table(tmp_path, "file,model,prompt_id,prompt,moves\na.mp4,One,dog,,\nb.mp4,Two,dog,A dog,none\n")
    assert {request.prompt for request in requests(tmp_path)} == {Prompt("dog", "A dog", moves="none")}


def test_without_a_prompt_the_name_of_the_file_counts_and_the_text_stays_empty(tmp_path: Path) -> None:
    (request, *_) = requests(table(tmp_path, "file\na.mp4\n"), "M")
    assert request.prompt == Prompt("a", "")


def test_listed_files_that_are_not_there_are_asked_for_and_then_missing(tmp_path: Path) -> None:
    backend = FolderBackend(str(table(tmp_path, "file\na.mp4\ngone.mp4\n")), "M")
    found = backend.plan(NO_SUITE, ()).requests
    assert [backend.submit(request) for request in found] == ["a.mp4", "gone.mp4"]
    with pytest.raises(MissingClip, match=r"gone\.mp4: no such file"):
        backend.fetch(found[1], "gone.mp4")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "file,Model,lenght\na.mp4,M,3\n",
            "clips.csv: unknown columns 'Model', 'lenght': use only file, model, prompt",
        ),
        ("model,prompt\nM,x\n", "clips.csv: the column 'file' is missing"),
        ("", "clips.csv: the column 'file' is missing"),
        ("file,model,file\na.mp4,M,b.mp4\n", "clips.csv: a column stands twice"),
        ("file,model\n", "clips.csv: no rows"),
        (
            "file,prompt\na.mp4,A dog, running\n",
            "line 2: more cells than columns: put texts with commas in double quotes",
        ),
        ("file,seed\na.mp4,one\n", "line 2: seed is 'one': "),
        ("file,seed\na.mp4,-1\n", "line 2: seed is '-1': "),
        ("file,seed\na.mp4,4294967296\n", "line 2: seed is '4294967296': "),
        ("file,moves\na.mp4,all\n", "line 2: moves is 'all': input should be 'subject', 'camera', 'scene' or 'none'"),
        ("file,fps\na.mp4,0\n", "line 2: fps is '0': "),
        ("file,fps\na.mp4,nan\n", "line 2: fps is 'nan': "),
        ("file,model\na.mp4,M\n,M\n", "line 3: file is missing: "),
        (
            "file,prompt,seed\na.mp4,A dog,3\nb.mp4,A cat,3\nc.mp4,A dog,3\n",
            "line 4: model 'M', prompt 'a-dog', seed 3 stands already at {csv} line 2: give one another seed",
        ),
        (
            "file,prompt_id,prompt\na.mp4,dog,A dog\nb.mp4,dog,A cat\n",
            "line 3: prompt 'A cat' of prompt 'dog' contradicts 'A dog' ({csv} line 2)",
        ),
        (
            "file;model\na.mp4;M\n",
            "clips.csv: its columns are separated by semicolons: save it with commas; columns: f",
        ),
        ("file\tmodel\na.mp4\tM\n", "clips.csv: its columns are separated by tabs: save it with commas"),
        ('file,prompt\na.mp4,"A dog\n', "clips.csv: cannot be read as a table in UTF-8: unexpected end of data"),
    ],
)
def test_tables_that_cannot_be_right(tmp_path: Path, text: str, complaint: str) -> None:
    message = refusal(table(tmp_path, text), "M")
    assert message.startswith(f"{tmp_path / 'clips.csv'}")
    assert complaint.format(csv=tmp_path / "clips.csv") in message


def test_a_table_saved_by_a_spreadsheet_is_read_and_other_encodings_are_refused(tmp_path: Path) -> None:
    table(tmp_path, "")
    (tmp_path / "clips.csv").write_bytes("\ufefffile, prompt \r\na.mp4,Ein Hündchen\r\n".encode())
    (request,) = requests(tmp_path, "M")
    assert request.prompt.text == "Ein Hündchen"
    (tmp_path / "clips.csv").write_bytes("file,prompt\na.mp4,Ein Hündchen\n".encode("latin-1"))
    assert refusal(tmp_path, "M").endswith("clips.csv: its text is not UTF-8: save it as CSV in UTF-8")


@pytest.mark.parametrize(
    "file", ["/etc/passwd", "../secret.mp4", "x/../../secret.mp4", "x/../a.mp4", "..", ".", "link.mp4", "out/a.mp4"]
)
def test_a_table_cannot_name_files_outside_the_folder(tmp_path: Path, file: str) -> None:
    lay(tmp_path, "secret.mp4", "elsewhere/a.mp4")
    folder = table(tmp_path / "clips", f"file\na.mp4\n{file}\n")
    (folder / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    (folder / "out").symlink_to(tmp_path / "elsewhere")
    message = refusal(folder, "M")
    assert message.startswith(f"{folder / 'clips.csv'} line 3: {file} lies outside the folder: ")


def test_links_within_the_folder_are_fine(tmp_path: Path) -> None:
    folder = table(tmp_path, "file\nlink.mp4\n")
    (folder / "link.mp4").symlink_to(folder / "a.mp4")
    assert [file for file, *_ in summary(folder, "M")] == ["link.mp4"]


def fetched(folder: Path, file: str) -> str:
    """Why a clip of the folder is not taken; empty where it is."""
    backend = FolderBackend(str(folder), "M")
    requests_by_file = {backend.submit(request): request for request in backend.plan(NO_SUITE, ()).requests}
    try:
        backend.fetch(requests_by_file[file], file)
    except MissingClip as error:
        return str(error)
    return ""


def test_a_link_leads_to_footage_elsewhere_and_to_nothing_else(tmp_path: Path) -> None:
    """What it shows is copied into a run that is sent around: a password file is no video, whatever it is called."""
    lay(tmp_path, "secret.txt", "data/real.mp4", "data/0.png", "clips/a.mp4", "clips/pics/0.png", "clips/more/0.png")
    folder = tmp_path / "clips"
    (folder / "real.mp4").symlink_to(tmp_path / "data" / "real.mp4")
    (folder / "stolen.mp4").symlink_to(tmp_path / "secret.txt")
    (folder / "pics" / "1.png").symlink_to(tmp_path / "data" / "0.png")
    (folder / "more" / "1.png").symlink_to(tmp_path / "secret.txt")
    assert fetched(folder, "a.mp4") == fetched(folder, "real.mp4") == fetched(folder, "pics") == ""
    told = "a link to a file outside the folder that is no"
    assert fetched(folder, "stolen.mp4") == f"stolen.mp4: {told} video by its name"
    assert fetched(folder, "more") == f"more/1.png: {told} picture by its name"


def test_runs_of_framehold_among_the_folders_are_no_models(tmp_path: Path) -> None:
    """`framehold run --clips . --out ./results` again does not take its own copies for a model's clips."""
    lay(tmp_path, "A/dog.mp4", "B/dog.mp4", "results/dog.mp4", "results/spec.json", "results/clips/dog.mp4")
    assert [model for _, model, *_ in summary(tmp_path)] == ["A", "B"]
    (tmp_path / "results" / "spec.json").unlink()
    assert [model for _, model, *_ in summary(tmp_path)] == ["A", "B", "results"]


# ---- with a suite ------------------------------------------------------------------------------------------------


def test_prompts_of_a_suite_are_found_by_id_or_text(tmp_path: Path) -> None:
    dog = Prompt("p-dog", "A dog runs.", category="animals", moves="subject", seeds=(0, 1))
    cat = Prompt("p-cat", "A cat sleeps.", moves="none")
    suite = Suite("pets", 1, (dog, cat))
    lay(tmp_path, "M/p-cat.mp4", "M/A dog runs.mp4")
    assert [request.prompt for request in requests(tmp_path, suite=suite)] == [dog, cat]
    table(tmp_path / "listed", "file,prompt,prompt_id,category\na.mp4,a dog RUNS,,wrong\nb.mp4,other words,p-cat,\n")
    assert [request.prompt for request in requests(tmp_path / "listed", "M", suite)] == [dog, cat]


def test_clips_of_a_suite_get_the_seeds_that_it_asks_for(tmp_path: Path) -> None:
    """So that they are the clips which leaderboard, verify and compare look for."""
    suite = Suite("pets", 1, (Prompt("dog", "A dog runs.", seeds=(7, 3)), Prompt("cat", "A cat sleeps.", seeds=(9,))))
    table(
        tmp_path,
        "file,prompt_id,seed\na.mp4,dog,\nb.mp4,dog,7\nc.mp4,cat,\na.mp4,cat,\nb.mp4,cat,0\nc.mp4,cat,\n",
    )
    keys = [(request.key.prompt_id, request.key.seed) for request in requests(tmp_path, "M", suite)]
    assert keys == [("dog", 3), ("dog", 7), ("cat", 9), ("cat", 1), ("cat", 0), ("cat", 2)]


def test_prompts_that_a_suite_does_not_have_are_named(tmp_path: Path) -> None:
    suite = Suite("pets", 1, (Prompt("p-dog", "A dog runs."),))
    lay(tmp_path, "M/p-dog.mp4", "M/p-bird.mp4")
    assert refusal(tmp_path, suite=suite).startswith("M/p-bird.mp4: prompt_id 'p-bird' is not in suite 'pets': ")


# ---- requests ----------------------------------------------------------------------------------------------------


def test_ids_tell_prompts_apart_and_depend_on_nothing_else() -> None:
    assert make_prompt_id("A dog, running: fast!") == "a-dog-running-fast"
    long = "a very long prompt that goes on and on until it is cut off"
    ids = [make_prompt_id(text) for text in (long, f"{long} again", "狗", "猫", "a dog", "à dog")]
    assert len(set(ids)) == 6
    assert all(re.fullmatch(r"[a-z0-9-]{1,40}", name) for name in ids)
    assert make_prompt_id(long.upper()) == make_prompt_id(long)


def test_a_request_changes_with_the_bytes_of_its_file(tmp_path: Path) -> None:
    lay(tmp_path, "a.mp4", "b.mp4", "pics/0.png")
    before = requests(tmp_path, "M")
    assert before == requests(tmp_path, "M")
    (tmp_path / "b.mp4").write_bytes(b"other bytes")
    (tmp_path / "pics" / "1.png").write_bytes(b"one more")
    after = requests(tmp_path, "M")
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, False]
    assert content_hash(tmp_path / "b.mp4") in after[1].identity


def test_a_worker_needs_only_the_request(tmp_path: Path) -> None:
    lay(tmp_path, "M/two  spaces.mp4")
    (request,) = requests(tmp_path)
    worker: Backend = open_backend("folder", {"path": str(tmp_path)})
    clip = worker.fetch(request, worker.submit(request))
    worker.close()
    assert clip.path == tmp_path / "M" / "two  spaces.mp4"
    assert clip.facts == {"source": "M/two  spaces.mp4"}
    assert clip.frames is None
    assert clip.fps is None


def test_the_order_does_not_depend_on_the_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, *(f"{model}/{name}.mp4" for model in ("m10", "m2", "M1") for name in ("b", "a", "c11", "c9")))
    expected = summary(tmp_path)
    assert [file for file, *_ in expected][:5] == ["M1/a.mp4", "M1/b.mp4", "M1/c9.mp4", "M1/c11.mp4", "m2/a.mp4"]
    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: sorted(iterdir(self), reverse=True))
    assert summary(tmp_path) == expected


def test_clips_are_handed_over_untouched_and_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "M" / "pics").mkdir(parents=True)
    for number in range(3):
        Image.fromarray(np.full((6, 8, 3), 50 * number, np.uint8)).save(tmp_path / "M" / "pics" / f"{number}.png")
    images = [Image.new("RGB", (8, 6), (level, 0, 0)) for level in (0, 90, 180)]
    images[0].save(tmp_path / "M" / "z.gif", save_all=True, append_images=images[1:], duration=50)
    (tmp_path / "M" / "zz.mp4").write_text("not a video")
    backend = FolderBackend(str(tmp_path))
    found = backend.plan(NO_SUITE, ()).requests
    clips = [backend.fetch(request, backend.submit(request)) for request in found]
    assert [clip.fps for clip in clips] == [24.0, None, None]  # only pictures need a rate
    assert clips[0].path is not None
    assert clips[1].path is not None
    assert clips[2].path is not None
    assert [frame.picture.max() for frame in read_frames(clips[0].path)] == [0, 50, 100]
    assert len(list(read_frames(clips[1].path))) == 3
    with pytest.raises(MissingClip):
        list(read_frames(clips[2].path))


CLIPS = Path(os.environ.get("FRAMEHOLD_CLIPS", Path(__file__).parents[3] / "shared" / "clips")) / "generated"


@pytest.mark.skipif(not CLIPS.is_dir(), reason="no shared clips here: set FRAMEHOLD_CLIPS")
def test_the_shared_clips() -> None:
    found = requests(CLIPS)
    assert len(found) == len({request.key for request in found}) == 51
    fish = [request.key.seed for request in found if request.prompt.text.startswith("clown fish")]
    assert fish == [0, 1, 2, 3]
