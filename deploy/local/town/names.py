"""Invented names: of persons by surname, sex and generation, of villages, schools and employers.

The lists are common syllables of the region put together by chance; nobody is meant.
"""

from random import Random

from .identity import Sex

SURNAMES: tuple[tuple[str, int], ...] = (
    ("王", 14), ("张", 12), ("李", 12), ("刘", 7), ("赵", 6), ("郭", 6), ("原", 5), ("成", 5), ("卫", 5), ("茹", 4),
    ("任", 4), ("郑", 4), ("吴", 4), ("陈", 4), ("杨", 4), ("崔", 3), ("马", 3), ("牛", 3), ("段", 2), ("裴", 2),
    ("靳", 2), ("栗", 2), ("酒", 1), ("延", 2), ("潘", 2), ("都", 1), ("白", 2), ("宋", 2), ("梁", 2), ("上官", 1),
    ("司马", 1), ("闫", 2), ("畅", 1), ("樊", 2), ("侯", 2), ("吉", 1), ("孔", 1), ("琚", 1), ("㽏", 1),
)  # fmt: skip

# By decade of birth: before 1955, to 1974, to 1994, since 1995.
_MALE = (
    "德有,福林,满仓,根旺,发财,长命,金锁,银柱,铁牛,天保,来顺,清明,守义,学礼,广厚,万祥,兴旺,喜才,有田,全福,成河,玉山,正法,贵生,双喜",
    "建国,建军,卫东,红旗,跃进,志强,爱民,保国,新民,小兵,国庆,学军,永红,文革,建设,海水,国平,晋生,晋文,学文,拥军,东升,志刚,解放,向阳",
    "军,强,伟,勇,鹏,飞,斌,波,杰,涛,磊,超,鹏飞,晋城,晋阳,志鹏,海龙,小龙,文斌,建斌,永亮,晓峰,国栋,旭东,亚军",
    "浩然,子轩,宇航,梓豪,俊杰,子涵,奕辰,博文,天佑,嘉懿,家豪,皓轩,一鸣,铭泽,沐阳,晨阳,泽宇,景行,禹辰,致远,喆,垚,㛃,星宇,承泽",
)
_FEMALE = (
    "桂花,秀英,翠英,兰英,改花,粉花,巧珍,月娥,爱莲,玉梅,春兰,腊梅,凤英,银花,金花,小女,引弟,素珍,香莲,秋菊,润花,菊香,竹青,海棠,梅香",
    "秀兰,玉兰,建华,爱萍,小红,红霞,粉琴,雪琴,晋花,国英,建英,丽萍,香香,卫红,小娥,素芳,素平,爱花,改琴,拉弟,双娥,秋香,会娥,月琴,跃琴",
    "丽,芳,娟,艳,敏,静,霞,丽娟,晓丽,海燕,红梅,小燕,晋芳,雪梅,慧芳,亚丽,艳芳,婷婷,莉莉,玲玲,丹丹,娜娜,瑞芳,文娟,雅琴",
    "梓涵,欣怡,子萱,诗涵,雨桐,一诺,佳怡,可欣,语嫣,思琪,梦瑶,紫涵,若曦,悦彤,奕彤,钰涵,淑媛,瑾萱,芷晴,安琪,玥,婧雯,苡沫,星冉,㼆",
)
_SECOND = "宇,雨,佳,晓,文,志,明,海,春,秋,玉,金,国,永,建,学,红,小,新,东,晋,爱,素,向,润,天,庆,立,成,亚"

_VILLAGE_FRONT = "上,下,东,西,南,北,前,后,大,小,中,里,外"
_VILLAGE_MIDDLE = "桃,柳,枣,石,泉,峪,坪,桑,榆,松,槐,梨,杏,柿,麻,盘,龙,凤,羊,马,牛,台,洞,云,青,黄,白,黑,红,桥"
_VILLAGE_BACK = "庄,沟,河,岭,底,坡,掌,窑,洼,头,圪坨,山,源,腰,凹,后,窊,口,院,坪"

_EMPLOYERS = ("阳城县某煤业有限公司", "晋城某陶瓷有限公司", "阳城县某蚕丝制品有限公司", "晋城市某建筑工程有限公司",
              "阳城县某中学", "阳城县某商贸有限公司", "太原市某科技有限公司", "晋城市某物流有限公司")  # fmt: skip


def surname(rng: Random) -> str:
    """One surname by its share."""
    return rng.choices([name for name, _ in SURNAMES], [weight for _, weight in SURNAMES])[0]


def given_name(rng: Random, sex: Sex, birth_year: int) -> str:
    """A given name of its generation; a third gets another first syllable, so that few share a whole name."""
    generation = 0 if birth_year < 1955 else 1 if birth_year < 1975 else 2 if birth_year < 1995 else 3
    name = rng.choice((_MALE if sex == "male" else _FEMALE)[generation].split(","))
    if rng.random() < 0.34:
        name = rng.choice(_SECOND.split(",")) + name[-1]
    return name


def village_names(rng: Random, count: int) -> list[str]:
    """`count` different names of villages."""
    names: dict[str, None] = {}
    while len(names) < count:
        front = rng.choice(_VILLAGE_FRONT.split(",")) if rng.random() < 0.45 else ""
        name = front + rng.choice(_VILLAGE_MIDDLE.split(",")) + rng.choice(_VILLAGE_BACK.split(","))
        names[f"{name}村"] = None
    return list(names)


def employer(rng: Random) -> str:
    """An employer, unnamed on purpose."""
    return rng.choice(_EMPLOYERS)
