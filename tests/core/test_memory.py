from appliance.core import memory


def test_figures_are_kept_in_memory_apart_for_each_box(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "SHARED_MEMORY", tmp_path / "shm")
    (tmp_path / "shm").mkdir()
    folders = {memory.metrics_folder(tmp_path / name, tmp_path / "run") for name in ("one", "two")}
    assert len(folders) == 2
    assert all(folder.parent == tmp_path / "shm" and folder.stat().st_mode & 0o777 == 0o700 for folder in folders)
    assert memory.metrics_folder(tmp_path / "one", tmp_path / "run") in folders


def test_a_link_somebody_laid_in_its_place_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "SHARED_MEMORY", tmp_path)
    place = memory.metrics_folder(tmp_path / "home", tmp_path / "run")
    place.rmdir()
    place.symlink_to(tmp_path)
    assert memory.metrics_folder(tmp_path / "home", tmp_path / "run") == tmp_path / "run" / "metrics"


def test_without_shared_memory_figures_lie_in_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "SHARED_MEMORY", tmp_path / "absent")
    assert memory.metrics_folder(tmp_path / "home", tmp_path / "run") == tmp_path / "run" / "metrics"


def test_what_is_coming_in_lies_in_memory_where_there_is_some(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "SHARED_MEMORY", tmp_path)
    assert memory.parts_folder() == str(tmp_path)
    monkeypatch.setattr(memory, "SHARED_MEMORY", tmp_path / "absent")
    assert memory.parts_folder() is None
