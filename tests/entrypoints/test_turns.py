"""Who asks for much holds up nobody else."""

from appliance.entrypoints.turns import Turns


def test_each_has_its_turn_and_its_own_bound():
    turns = Turns(3)
    assert [turns.put("loud", number) for number in (1, 2, 2, 3, 4)] == [True, True, True, True, False]
    assert turns.put("quiet", 9)
    assert len(turns) == 4
    assert [turns.take(0) for _ in range(5)] == [1, 9, 2, 3, None]
    assert turns.put("loud", 5)
    assert turns.take(10) == 5
