"""The words of mini's world: what a scene may hold, and how people say it.

    graph = sample_graph(np.random.default_rng(1))
    caption(graph, rng)        # "a small red ball bounces past a lighthouse at dusk"

A scene graph holds one value per slot and up to three events. Captions are drawn from it with
synonyms, random order, left-out slots and a terse form, so that one graph has many captions.
"""

from dataclasses import dataclass, field
import zlib

import numpy as np

OBJECTS = ["ball", "cube", "triangle", "star", "heart", "ring", "diamond", "balloon"]
COLOURS = ["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "white"]
SIZES = ["small", "medium", "big"]
MOTIONS = [
    "bounce",
    "roll_right",
    "roll_left",
    "fly",
    "orbit",
    "fall",
    "float",
    "spin",
    "rest",
    "grow",
    "shrink",
    "swing",
    "jump",
]
SCENES = ["beach", "meadow", "desert", "city", "mountains", "snowfield", "space", "underwater"]
LANDMARKS = ["none", "lighthouse", "tree", "house", "windmill", "castle", "cactus", "pyramid"]
TIMES = ["dawn", "noon", "dusk", "night"]
WEATHERS = ["clear", "cloudy", "rain", "snow", "fog"]
FALLING = ["rain", "snow"]  # what falls
DRY = [w for w in WEATHERS if w not in FALLING]
CAMERAS = ["static", "pan_right", "pan_left", "zoom_in", "zoom_out", "follow"]
EVENTS = ["none", "colour", "size", "stop", "motion", "time", "weather", "second"]

SLOTS = {
    "object": OBJECTS,
    "colour": COLOURS,
    "size": SIZES,
    "motion": MOTIONS,
    "scene": SCENES,
    "landmark": LANDMARKS,
    "time": TIMES,
    "weather": WEATHERS,
    "camera": CAMERAS,
}

WEATHER_ODDS = [0.50, 0.14, 0.12, 0.14, 0.10]
CAMERA_ODDS = [0.42, 0.12, 0.12, 0.08, 0.08, 0.18]
FITTING_LANDMARKS = {
    "beach": ["none", "none", "lighthouse"],
    "meadow": ["none", "none", "tree", "house", "windmill"],
    "desert": ["none", "cactus", "pyramid"],
    "city": ["none"],
    "mountains": ["none", "house", "castle", "tree"],
    "snowfield": ["none", "none", "house"],
    "space": ["none"],
    "underwater": ["none", "none", "castle"],
}
INDOORS_OF_TIME = ("space", "underwater")  # scenes without time of day and weather
OUTDOORS = [s for s in SCENES if s not in INDOORS_OF_TIME]

# ------------------------------------------------------------------------------------- synonyms
SAY_OBJECT = {
    "ball": ["ball", "ball", "sphere", "beach ball"],
    "cube": ["cube", "cube", "box", "block"],
    "triangle": ["triangle"],
    "star": ["star"],
    "heart": ["heart"],
    "ring": ["ring", "ring", "hoop", "donut"],
    "diamond": ["diamond", "diamond", "gem", "jewel"],
    "balloon": ["balloon"],
}
SAY_COLOUR = {
    "red": ["red", "red", "scarlet", "crimson"],
    "orange": ["orange"],
    "yellow": ["yellow", "yellow", "golden"],
    "green": ["green", "green", "emerald"],
    "cyan": ["cyan", "cyan", "turquoise", "light blue"],
    "blue": ["blue", "blue", "deep blue"],
    "purple": ["purple", "purple", "violet"],
    "pink": ["pink", "pink", "rosy"],
    "white": ["white", "white", "pale"],
}
SAY_SIZE = {
    "small": ["small", "little", "tiny"],
    "medium": ["", "medium", "medium-sized"],
    "big": ["big", "large", "huge"],
}
SAY_MOTION = {  # (third person, -ing form)
    "bounce": [
        ("bounces", "bouncing"),
        ("bounces up and down", "bouncing up and down"),
        ("hops along", "hopping along"),
    ],
    "roll_right": [
        ("rolls right", "rolling right"),
        ("rolls to the right", "rolling to the right"),
        ("rolls from left to right", "rolling from left to right"),
        ("rolls along", "rolling along"),
    ],
    "roll_left": [
        ("rolls left", "rolling left"),
        ("rolls to the left", "rolling to the left"),
        ("rolls from right to left", "rolling from right to left"),
    ],
    "fly": [
        ("flies", "flying"),
        ("flies by", "flying by"),
        ("glides through the air", "gliding through the air"),
    ],
    "orbit": [
        ("circles", "circling"),
        ("moves in a circle", "moving in a circle"),
        ("goes round and round", "going round and round"),
    ],
    "fall": [
        ("falls", "falling"),
        ("falls down", "falling down"),
        ("drops from above", "dropping from above"),
    ],
    "float": [
        ("floats", "floating"),
        ("hovers", "hovering"),
        ("drifts in the air", "drifting in the air"),
    ],
    "spin": [
        ("spins", "spinning"),
        ("turns on the spot", "turning on the spot"),
        ("rotates", "rotating"),
    ],
    "rest": [
        ("rests", "resting"),
        ("lies still", "lying still"),
        ("stands still", "standing still"),
        ("sits", "sitting"),
    ],
    "grow": [("grows", "growing"), ("gets bigger", "getting bigger"), ("swells", "swelling")],
    "shrink": [("shrinks", "shrinking"), ("gets smaller", "getting smaller")],
    "swing": [
        ("swings", "swinging"),
        ("swings back and forth", "swinging back and forth"),
        ("sways", "swaying"),
    ],
    "jump": [
        ("jumps", "jumping"),
        ("leaps", "leaping"),
        ("jumps up and down", "jumping up and down"),
    ],
}
SAY_SCENE = {
    "beach": [
        "on a beach",
        "at the beach",
        "on the beach",
        "by the sea",
        "on the sand by the ocean",
        "at the seaside",
    ],
    "meadow": [
        "in a meadow",
        "on a green meadow",
        "in a field of grass",
        "on the grass",
        "in the countryside",
    ],
    "desert": ["in the desert", "in a desert", "among sand dunes", "on the desert sand"],
    "city": ["in a city", "in the city", "on a city street", "in front of a skyline", "in town"],
    "mountains": [
        "in the mountains",
        "in front of mountains",
        "below the mountains",
        "in a mountain valley",
    ],
    "snowfield": ["in the snow", "on a snowfield", "on the snow", "in a snowy field", "on the ice"],
    "space": ["in space", "on the moon", "in outer space", "on a moon"],
    "underwater": ["under water", "underwater", "under the sea", "at the bottom of the sea"],
}
TERSE_SCENE = {
    "beach": "beach",
    "meadow": "meadow",
    "desert": "desert",
    "city": "city",
    "mountains": "mountains",
    "snowfield": "snow",
    "space": "space",
    "underwater": "underwater",
}
SAY_TIME = {
    "dawn": ["at dawn", "at sunrise", "in the early morning", "in the morning"],
    "noon": ["at noon", "at midday", "during the day", "in daylight", "on a sunny day"],
    "dusk": ["at dusk", "at sunset", "in the evening"],
    "night": ["at night", "by night", "under the stars", "in the dark", "in the moonlight"],
}
SAY_TIME_COMES = {
    "dawn": ["the sun rises", "dawn comes"],
    "noon": ["it becomes noon", "the day gets bright"],
    "dusk": ["the sun sets", "dusk comes"],
    "night": ["night falls", "night comes"],
}
SAY_WEATHER = {
    "clear": ["", "under a clear sky", "in clear weather"],
    "cloudy": ["under a cloudy sky", "with many clouds", "on a cloudy day"],
    "rain": ["in the rain", "while it rains", "on a rainy day"],
    "snow": ["in falling snow", "while it snows", "as snow falls"],
    "fog": ["in the fog", "in thick fog", "in the mist"],
}
SAY_NEAR = ["past a {}", "near a {}", "next to a {}", "by a {}", "in front of a {}"]
SAY_CAMERA = {
    "static": ["", "", "static camera"],
    "pan_right": ["camera pans right", "the camera moves right"],
    "pan_left": ["camera pans left", "the camera moves left"],
    "zoom_in": ["camera zooms in", "zooming in", "the camera comes closer"],
    "zoom_out": ["camera zooms out", "zooming out", "the camera moves away"],
    "follow": ["camera follows", "the camera follows it", "tracking shot"],
}
SAY_SECOND = ["a second one appears", "another one appears", "a {} appears"]
# what is left out is the ordinary: an object that is easily seen,
SIZE_LEFT_OUT = {"small": 0, "medium": 0.35, "big": 0.6}
# a camera that stands still, a clear sky
CAMERA_LEFT_OUT, WEATHER_LEFT_OUT = 0.3, 0.08


@dataclass
class SceneGraph:
    """One value per slot; `events` is a list of (kind, value), evenly placed over the take."""

    object: str
    colour: str
    size: str
    motion: str
    scene: str
    landmark: str
    time: str
    weather: str
    camera: str
    speed: float = 1.0  # 0.6 .. 1.5; motion score = speed - 0.5
    seed: int = 0  # everything the words do not say
    events: list = field(default_factory=list)

    @property
    def motion_score(self):
        return round(self.speed - 0.5, 3)


def pick(rng, options, odds=None):
    return options[int(rng.choice(len(options), p=odds))]


def held_out(obj, colour, scene):
    """Every 20th combination of object, colour and scene is never rendered for training."""
    return zlib.crc32(f"{obj},{colour},{scene}".encode()) % 20 == 0


def shown_motion(obj, motion):
    """What is to be seen of it: balloons hang upright (`scene.body_over_time`), so one that spins
    rests"""
    return "rest" if (obj, motion) == ("balloon", "spin") else motion


def sample_events(rng, graph, count):
    """`count` events that change something the graph (or an earlier event) says."""
    events, colour, motion, time = [], graph.colour, graph.motion, graph.time
    for _ in range(count):
        kind = pick(rng, EVENTS[1:])
        if kind in ("time", "weather") and graph.scene in INDOORS_OF_TIME:
            kind = "colour"
        if kind == "weather" and graph.weather in FALLING:
            kind = "time"
        if any(kind == k for k, _ in events):
            continue
        if kind == "colour":
            colour = value = pick(rng, [c for c in COLOURS if c != colour])
        elif kind == "size":
            value = pick(rng, [s for s in ("small", "big") if s != graph.size])
        elif kind == "stop":
            value, motion = "rest", "rest"
        elif kind == "motion":
            motion = value = pick(rng, [m for m in MOTIONS if m not in (motion, "grow", "shrink")])
        elif kind == "time":
            time = value = pick(rng, [t for t in TIMES if t != time])
        elif kind == "weather":
            value = pick(rng, FALLING)
        else:
            value = f"{pick(rng, COLOURS)} {pick(rng, OBJECTS)}"
        events.append((kind, value))
    return events


def sample_graph(rng, training=True, events=None, **fixed):
    """Draw a scene graph; `fixed` slots are kept. With `training`, held-out combinations are
    avoided."""
    while True:
        chosen = {
            k: fixed.get(k) or pick(rng, SLOTS[k])
            for k in ("object", "colour", "scene", "time", "motion")
        }
        if not (training and held_out(chosen["object"], chosen["colour"], chosen["scene"])):
            break
    scene = chosen["scene"]
    timeless = scene in INDOORS_OF_TIME
    if timeless:
        chosen["time"] = "night" if scene == "space" else "noon"
    graph = SceneGraph(
        **chosen,
        size=fixed.get("size") or pick(rng, SIZES, [0.25, 0.45, 0.30]),
        landmark=fixed.get("landmark") or pick(rng, FITTING_LANDMARKS[scene]),
        weather="clear" if timeless else fixed.get("weather") or pick(rng, WEATHERS, WEATHER_ODDS),
        camera=fixed.get("camera") or pick(rng, CAMERAS, CAMERA_ODDS),
        speed=float(fixed.get("speed") or rng.uniform(0.6, 1.5)),
        seed=int(rng.integers(1 << 31)),
    )
    if events is None:
        events = int(rng.choice(3, p=[0.80, 0.15, 0.05]))
    graph.events = sample_events(rng, graph, events)
    return graph


def article(noun, rng):
    return "the" if rng.random() < 0.25 else "an" if noun[0] in "aeiou" else "a"


def say_event(kind, value, rng):
    if kind == "colour":
        return f"{pick(rng, ['turns', 'becomes', 'changes to'])} {pick(rng, SAY_COLOUR[value])}"
    if kind == "size":
        return f"{pick(rng, ['becomes', 'gets'])} {pick(rng, SAY_SIZE[value])}"
    if kind == "stop":
        return pick(rng, ["stops", "comes to rest", "stops moving"])
    if kind == "motion":
        verb, ing = pick(rng, SAY_MOTION[value])
        return pick(rng, [verb, f"starts {ing}", f"begins {ing}"])
    if kind == "time":
        return pick(rng, SAY_TIME_COMES[value])
    if kind == "weather":
        return pick(rng, [f"it starts to {value}", f"{value} begins to fall"])
    return pick(rng, SAY_SECOND).format(value)


def caption(graph, rng, **options):
    """One English caption of a scene graph; options as in `describe`."""
    return describe(graph, rng, **options)[0]


def describe(graph, rng, leave_out=0.15, terse=0.10, keep=()):
    """-> caption, set of the slots it tells. Slots named in `keep` are never left out."""
    said = set()

    def say(slot, words, odds=leave_out):
        """The words of a slot, or "" if it is left out this time."""
        if slot not in keep and rng.random() < odds:
            return ""
        if words:
            said.add(slot)
        return words

    timeless = graph.scene in INDOORS_OF_TIME
    colour = say("colour", pick(rng, SAY_COLOUR[graph.colour]), leave_out * 0.5)
    size = say("size", pick(rng, SAY_SIZE[graph.size]), SIZE_LEFT_OUT[graph.size])
    noun = " ".join(
        w for w in (size, colour, say("object", pick(rng, SAY_OBJECT[graph.object]), 0)) if w
    )
    verb, ing = pick(rng, SAY_MOTION[graph.motion])
    camera = say(
        "camera",
        pick(rng, SAY_CAMERA[graph.camera]),
        CAMERA_LEFT_OUT if graph.camera == "static" else 0,
    )
    if rng.random() < terse:
        words = [noun, say("scene", TERSE_SCENE[graph.scene]), say("motion", ing, 0.5)]
        if not timeless:
            words += [
                say("time", graph.time),
                say("weather", "" if graph.weather == "clear" else graph.weather, 0),
            ]
        return ", ".join(w for w in [*words, camera] if w), said

    subject = f"{article(noun, rng)} {noun}"
    verb = say("motion", pick(rng, [verb, verb, f"is {ing}"]))
    where = []
    telling = graph.landmark in ("lighthouse", "windmill", "pyramid", "cactus")
    if graph.landmark != "none":
        where.append(say("landmark", pick(rng, SAY_NEAR).format(graph.landmark)))
    where.append(
        say(
            "scene",
            pick(rng, SAY_SCENE[graph.scene]),
            0.3 if telling and "landmark" in said else leave_out * 0.5,
        )
    )
    if not timeless:
        where.append(say("time", pick(rng, SAY_TIME[graph.time])))
        where.append(
            say(
                "weather",
                pick(rng, SAY_WEATHER[graph.weather]),
                WEATHER_LEFT_OUT if graph.weather == "clear" else 0,
            )
        )
    where = [w for w in where if w]
    if len(where) > 1 and rng.random() < 0.3:
        where = [where[i] for i in rng.permutation(len(where))]
    if where and rng.random() < 0.15:
        text = f"{where[0]}, {' '.join(w for w in [subject, verb] + where[1:] if w)}"
    else:
        text = " ".join(w for w in [subject, verb] + where if w)
    if camera:
        text += f", {camera}"
    for kind, value in graph.events:
        lead = pick(rng, [", then", ", then", ", and then", ". Then"])
        it = "it " if kind in ("colour", "size", "stop", "motion") and rng.random() < 0.4 else ""
        text += f"{lead} {it}{say_event(kind, value, rng)}"
    text = " ".join(text.split())
    return (text[0].upper() + text[1:] if rng.random() < 0.3 else text), said


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    for _ in range(24):
        print(caption(sample_graph(rng), rng))
