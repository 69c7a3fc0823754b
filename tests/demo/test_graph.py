from demo import graph


def test_the_network_is_the_published_one() -> None:
    network = graph.network()
    assert (network.number_of_nodes(), network.number_of_edges()) == (77, 254)


def test_every_pair_is_loaded_once_with_its_chapters() -> None:
    pairs = graph.pairs(graph.network())
    assert len({frozenset((pair["a"], pair["b"])) for pair in pairs}) == len(pairs) == 254
    assert {"a": "Valjean", "b": "Cosette", "chapters": 31} in [
        {**pair, "a": "Valjean", "b": "Cosette"}
        for pair in pairs
        if {pair["a"], pair["b"]} == {"Valjean", "Cosette"}
    ]


def test_each_question_has_an_answer_of_its_own() -> None:
    assert graph.expected_answers(graph.network()) == ("Valjean", "Cosette", 3)
    assert len(graph.QUESTIONS) == 3
