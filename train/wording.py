"""Text of `wording.txt`, by which the program puts prompts into the words of `grammar`
(pipeline/script/wording_list.h).

    python wording.py        # prints it; export.py writes it
"""

from grammar import (
    FITTING_LANDMARKS,
    INDOORS_OF_TIME,
    LANDMARKS,
    SAY_COLOUR,
    SAY_MOTION,
    SAY_NEAR,
    SAY_OBJECT,
    SAY_SCENE,
    SAY_SIZE,
    SAY_TIME,
    SAY_TIME_COMES,
    SAY_WEATHER,
    TERSE_SCENE,
)

OTHER_WORDS = {  # the nearest thing of this world
    "ball": "balls, spheres, beach balls, orb, globe, marble, pearl, bubble, football, soccer ball, basketball, tennis ball, bowling ball",
    "cube": "cubes, boxes, blocks, square, brick, crate, cuboid, dice, parcel, package, chest",
    "triangle": "triangles, wedge, cone, tetrahedron",
    "star": "starfish",
    "heart": "hearts",
    "ring": "rings, hoops, donuts, loop, wheel, tire, tyre, doughnut, bagel, coin, disc, disk, torus",
    "hoop": "hula hoop",
    "diamond": "diamonds, gems, jewels, crystal, gemstone, rhombus, precious stone",
    "balloon": "balloons, hot-air balloon, hot air balloon, air balloon, blimp",
    "red": "maroon, ruby, vermilion, burgundy, dark red, blood red",
    "orange": "amber, tangerine, apricot, copper",
    "yellow": "gold, lemon, mustard",
    "green": "lime, olive, jade, mint, dark green, light green",
    "cyan": "teal, aqua, aquamarine",
    "blue": "azure, cobalt, sapphire, royal blue",
    "deep blue": "navy, navy blue, dark blue",
    "light blue": "sky blue, pale blue, baby blue",
    "purple": "lilac, lavender, indigo, plum, mauve, amethyst",
    "pink": "magenta, fuchsia, hot pink",
    "white": "ivory, cream, silver, grey, gray, snow-white",
    "tiny": "miniature, minuscule, mini",
    "huge": "giant, gigantic, enormous, massive",
    "beach": "shore, seashore, coast, bay, sandy beach",
    "meadow": "forest, woods, jungle, garden, park, lawn, prairie, pasture, grassland, farm",
    "desert": "sahara, wasteland",
    "city": "downtown, metropolis, urban",
    "mountains": "hills, alps, peaks, cliffs",
    "mountain": "hill, peak, cliff, volcano",
    "snow": "tundra, glacier, iceberg, arctic, antarctic",
    "in the snow": "in winter",
    "space": "cosmos, galaxy, universe",
    "on a city street": "through the streets, in the streets, on the street, on a street, down the street, along a street, along the street",
    "in space": "in orbit",
    "moon": "mars",
    "under the sea": "beneath the sea, beneath the ocean, beneath the waves, below the sea, under the waves, in the ocean, on the seabed, on the sea floor",
    "underwater": "submerged",
    "dawn": "daybreak, sunup, first light",
    "at noon": "in the afternoon, in the daytime, in daytime, in sunshine, in the sunshine, in bright sunlight, at lunchtime",
    "dusk": "twilight, sundown",
    "at night": "at midnight, in the night, late at night, in the middle of the night, under the moon, in moonlight, at nightfall",
    "at sunset": "during sunset, during the sunset",
    "at sunrise": "during sunrise, during the sunrise",
    "under the stars": "under a starry sky, under the starry sky, beneath the stars",
    "in the rain": "while it is raining, it is raining, in a storm, in a rainstorm, in a thunderstorm",
    "in falling snow": "while it is snowing, it is snowing, in a snowstorm, in a blizzard",
    "in the fog": "on a foggy day, on a misty day",
    "under a cloudy sky": "under an overcast sky, under an overcast",
    "circles": "orbits, revolves",
    "circling": "orbiting, revolving",
    "circle": "orbit, revolve",
    "flies": "soars, dashes, races, speeds",
    "flying": "soaring, dashing, racing, speeding",
    "spins": "twirls, whirls",
    "spinning": "twirling, whirling",
    "rolls along": "sails, tumbles along, tumbles, drives along, runs along, walks along, travels along, slides along, drives, runs, walks, travels, slides",
    "rolling along": "sailing, tumbling along, tumbling, driving along, running along, walking along, sliding along, driving, running, walking, travelling, traveling, sliding",
    "swings": "dangles, wobbles",
    "swinging": "dangling, wobbling",
    "bounces": "dribbles",
    "bouncing": "dribbling",
    "floats": "levitates, bobs, swims, rises, ascends",
    "floating": "levitating, bobbing, swimming, rising, ascending",
    "float": "levitate, drift, rise, ascend",
    "fly": "soar",
    "spin": "twirl, whirl",
    "roll along": "tumble along, drive along, run along, walk along, travel along, slide along",
    "swing": "dangle, wobble",
    "bounce": "dribble",
    "fall": "plunge, descend, plummet",
    "grow": "expand, inflate",
    "shrink": "deflate",
    "it": "they",
    "it turns": "they turn",
    "it becomes": "they become",
    "it gets": "they get",
    "it starts": "they start",
    "it begins": "they begin",
    "it stops": "they stop",
    "jumps": "dances",
    "jumping": "dancing",
    "rests": "waits, sleeps",
    "resting": "waiting, sleeping",
    "falls": "plunges, descends, plummets",
    "falling": "plunging, descending, plummeting",
    "grows": "expands, inflates",
    "growing": "expanding, inflating",
    "shrinks": "contracts, deflates",
    "shrinking": "contracting, deflating",
    "in": "over, across, inside, within, amid",
    "on the spot": "in place",
    "by the sea": "on the sea, on the ocean, on the water, over the sea, over the ocean, over the water, across the sea, across the ocean, above the sea, above the ocean",
    "in the mountains": "on a hill, over a hill, over the hills, up a mountain, on a mountain, over the mountains",
    "house": "cottage, cabin, hut, building, barn",
    "castle": "fortress, palace",
    "tree": "oak, palm tree, pine tree",
    "next to": "beside, close to, alongside, not far from",
    "static camera": "fixed camera, still camera, locked camera, camera stands still",
    "camera follows": "following shot, camera tracks it",
}
# a landmark: near it
WITH = [
    "with {}",
    "with {} behind it",
    "with {} in the background",
    "and {}",
    "around {}",
    "behind {}",
]
SAY_EVENT = {  # beside what captions say of events
    "dawn": ["dawn breaks", "day breaks", "morning comes", "the sun comes up"],
    "noon": ["noon comes", "day comes", "it gets light", "it becomes day"],
    "dusk": ["evening comes", "the sun goes down"],
    "night": ["it gets dark", "it becomes night", "it becomes dark"],
    "clear": ["the sky clears", "the rain stops", "the snow stops", "the fog lifts"],
    "cloudy": ["clouds come", "it gets cloudy"],
    "rain": [
        "it starts to rain",
        "it begins to rain",
        "it starts raining",
        "rain begins to fall",
        "it rains",
    ],
    "snow": [
        "it starts to snow",
        "it begins to snow",
        "it starts snowing",
        "snow begins to fall",
        "it snows",
    ],
    "fog": ["fog comes", "fog rolls in", "it gets foggy"],
    "rest": ["stops", "stops moving", "comes to rest"],
}
USUAL_TIME = "noon"  # of takes whose prompt says none: else night fell unasked
# of which a prompt speaks that has these words
TIME_WORDS = [
    *("dawn", "sunrise", "daybreak", "morning", "noon", "midday", "daylight", "daytime", "day"),
    *("afternoon", "sun", "sunny", "sunlight", "sunlit", "sunset", "sundown", "dusk", "twilight"),
    *("evening", "night", "nightfall", "midnight", "tonight", "dark", "darkness"),
    *("moon", "moonlight", "moonlit", "starry", "starlight", "stars"),
]
SECONDS_BETWEEN = 2  # of dusk, when night falls at noon
OTHERS_COLOURS = [
    "green meadow",
    "green grass",
    "blue sky",
    "blue sea",
    "white clouds",
    "white snow",
    "yellow sand",
]

ARTICLES = ["a", "an", "the", "another"]
BEFORE_ANOTHER = [
    "and",
    "with",
    "near",
    "next to",
    "past",
    "by",
    "in",
    "in front of",
    "behind",
    "above",
    "below",
    "under",
    "around",
    "on",
    "on top of",
    "towards",
    "into",
    "between",
]
NO_FALL = [
    "falling snow",
    "snow falls",
    "falling rain",
    "rain falls",
    "night falls",
    "dusk falls",
    "darkness falls",
]
NO_PLACES = ["beach ball"]
PLACE_WORDS = {**TERSE_SCENE, "snowfield": "snowfield"}  # "snow" alone is the weather as often


def plain(verb):
    """The verb as it stands behind "to": flies by -> fly by"""
    first, *rest = verb.split()
    first = {"flies": "fly", "lies": "lie", "goes": "go"}.get(first, first[:-1])
    return " ".join([first, *rest])


def kind(*first, **words):
    """A kind of words: lines as they are, and for each state its words and the events that lead to
    it"""
    unique = lambda phrases: ", ".join(dict.fromkeys(p for p in phrases if p))
    return "\n".join(
        [
            *first,
            *(
                unique(says) + (" = " + unique(events) if events else "")
                for says, events in words.values()
            ),
        ]
    )


def near(landmark):
    """All that has the landmark in the picture is near it"""
    names = [landmark, *filter(None, OTHER_WORDS.get(landmark, "").split(", "))]
    return f"near a {landmark} ~ " + ", ".join(
        words.format(f"{'an' if name[0] in 'aeiou' else 'a'} {name}")
        for words in WITH
        for name in names
    )


def not_planned(landmark):
    """Refinement paints it; the language model is told of the first place that has such a landmark,
    where it is told of none"""
    place = next(scene for scene, fitting in FITTING_LANDMARKS.items() if landmark in fitting)
    return (
        "! "
        + ", ".join(
            words.format(landmark).replace(" a ", article)
            for article in (" a ", " the ")
            for words in SAY_NEAR
        )
        + f" = {SAY_SCENE[place][0]}"
    )


def check_other_words():
    """What captions say stays as it is."""
    said = {
        words
        for states in (SAY_OBJECT, SAY_COLOUR, SAY_SIZE, SAY_SCENE, SAY_TIME, SAY_WEATHER)
        for of_state in states.values()
        for words in of_state
    } | {words for pairs in SAY_MOTION.values() for pair in pairs for words in pair}
    wrong = [o for others in OTHER_WORDS.values() for o in others.split(", ") if o in said]
    if wrong:
        raise SystemExit(f"OTHER_WORDS: captions say {', '.join(wrong)}, expected other words")


def wording():
    check_other_words()
    # for "rolls along a beach"
    rolls = [pair for pair in SAY_MOTION["roll_right"] if pair[0] != "rolls along"] + [
        ("rolls", "rolling")
    ]
    forms = {
        m: [f"{verb}|{ing}|{plain(verb)}" for verb, ing in says]
        for m, says in {**SAY_MOTION, "roll_right": rolls}.items()
    }
    return (
        "\n\n".join(
            [
                "# How prompts are put into the words of training: written by train/export.py, explained in pipeline/script/wording_list.h.",
                "\n".join(f"{known} ~ {others}" for known, others in OTHER_WORDS.items()),
                "\n".join(near(landmark) for landmark in LANDMARKS[1:]),
                kind(
                    "& "
                    + ", ".join(
                        [
                            "and",
                            *ARTICLES,
                            *(
                                f"{word} {article}"
                                for word in BEFORE_ANOTHER
                                for article in ARTICLES
                            ),
                        ]
                    ),
                    **{thing: (says, ()) for thing, says in SAY_OBJECT.items()},
                ),
                kind(
                    "+",
                    "- " + ", ".join(NO_PLACES),
                    **{
                        scene: ([*says, PLACE_WORDS[scene]], ())
                        for scene, says in SAY_SCENE.items()
                    },
                )
                + "\n"
                + "\n".join(not_planned(landmark) for landmark in LANDMARKS[1:]),
                kind(
                    "= turns _, becomes _, changes to _",
                    "- " + ", ".join(OTHERS_COLOURS),
                    **{c: (s, ()) for c, s in SAY_COLOUR.items()},
                ),
                kind("= becomes _, gets _", **{z: (s, ()) for z, s in SAY_SIZE.items()}),
                kind(
                    "= _, starts _, starts to _, begins _, begins to _",
                    "- " + ", ".join(NO_FALL),
                    **{m: (f, SAY_EVENT.get(m)) for m, f in forms.items()},
                ),
                kind(
                    "+",
                    f"> {SECONDS_BETWEEN}",
                    f"? {SAY_TIME[USUAL_TIME][0]} = "
                    + ", ".join(
                        dict.fromkeys(
                            [
                                *TIME_WORDS,
                                *(
                                    words
                                    for scene in INDOORS_OF_TIME
                                    for words in [*SAY_SCENE[scene], PLACE_WORDS[scene]]
                                ),
                            ]
                        )
                    ),
                    "= _",
                    **{t: (s, SAY_TIME_COMES[t] + SAY_EVENT[t]) for t, s in SAY_TIME.items()},
                ),
                kind("+", "= _", **{w: (s, SAY_EVENT[w]) for w, s in SAY_WEATHER.items()}),
            ]
        )
        + "\n"
    )


if __name__ == "__main__":
    print(wording(), end="")
