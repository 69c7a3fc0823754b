from demo import graph


def test_the_network_has_the_published_size() -> None:
    network = graph.network()
    assert (network.number_of_nodes(), network.number_of_edges()) == (77, 254)


def test_every_pair_has_its_number_of_chapters() -> None:
    pairs = graph.pairs(graph.network())
    assert len({frozenset((pair["a"], pair["b"])) for pair in pairs}) == len(pairs) == 254
    assert {"a": "Valjean", "b": "Cosette", "chapters": 31} in [
        {**pair, "a": "Valjean", "b": "Cosette"}
        for pair in pairs
        if {pair["a"], pair["b"]} == {"Valjean", "Cosette"}
    ]


def test_each_question_has_an_answer() -> None:
    assert graph.expected_answers(graph.network()) == ("Valjean", "Cosette", 3)
    assert len(graph.QUESTIONS) == 3
