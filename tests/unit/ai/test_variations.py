"""How people say values in other words, countries and moods than the measured rows do."""

from datetime import date, datetime, time

import pytest

from app.ai.reading import days, emails, names, phones, yesno

WEDNESDAY = date(2026, 6, 3)
TEN = datetime(2026, 6, 3, 10)

PHONES = [
    ("it's zero two zero seven nine four six zero nine five eight", "GB", "+442079460958"),
    ("zero zero four nine thirty twelve thirty four five six seven", "DE", "+49301234567"),
    ("area code two one two then five five five oh one nine nine", "US", "+12125550199"),
    ("my number is um two one two uh five five five oh one double nine", "US", "+12125550199"),
    ("(212) 555-0199 extension 4", "US", "+12125550199"),
    ("212-555-0199", "US", "+12125550199"),
    ("one eight hundred five five five oh one nine nine", "US", "+18005550199"),
    ("two one two five five five, no sorry, five five six, oh one nine nine", "US", "+12125560199"),
    ("two one two triple five oh one ninety nine", "US", "+12125550199"),
    ("call me on oh four one two three four five six seven eight", "AU", "+61412345678"),
    ("nine eight seven six five four three two one zero", "IN", "+919876543210"),
    ("plus nine one nine eight seven six five four three two one zero", "IN", "+919876543210"),
    ("six hundred twelve thirty four fifty six", "ES", "+34600123456"),
    ("seis uno dos tres cuatro cinco seis siete ocho", "ES", "+34612345678"),
    ("it is 0171 9601234", "GB", "+441719601234"),
    ("my order number is 4457 and my phone is 212 555 0199", "US", "+12125550199"),
    ("212 555 0199 or after six 212 555 0142", "US", "+12125550199"),
    ("yeah sure it's 4 1 5 5 5 5 2 6 7 1", "US", "+14155552671"),
    ("four one five, five five five, twenty six seventy one", "US", "+14155552671"),
    ("four fifteen five fifty five twenty six seventy one", "US", "+14155552671"),
    ("oh eight seven, one two three, four five six seven", "IE", "+353871234567"),
    ("zero six twelve thirty four fifty six seventy eight", "FR", "+33612345678"),
    ("oh two one, triple five, one two three four", "NZ", "+64215551234"),
]
EMAILS = [
    ("john dot smith at the rate gmail dot com", "john.smith@gmail.com"),
    ("john underscore smith ninety nine at yahoo dot co dot uk", "john_smith99@yahoo.co.uk"),
    ("it's j smith all lower case at outlook dot com", "jsmith@outlook.com"),
    ("m as in mike b as in bravo at example dot org", "mb@example.org"),
    ("mary hyphen ann at my hyphen company dot com", "mary-ann@my-company.com"),
    ("info at smith and sons dot com", "info@smithandsons.com"),
    ("sales at b and q dot co dot uk", "sales@bandq.co.uk"),
    ("you can email me at peter one two three at hot mail dot com", "peter123@hotmail.com"),
    ("anna at g mail dot com", "anna@gmail.com"),
    ("bob at example dot com no wait bob at example dot net", "bob@example.net"),
    ("bob at example dot com, that's b o b", "bob@example.com"),
    ("s t e v e dot jones at gmail dot com", "steve.jones@gmail.com"),
    ("contact at example dot com dot au", "contact@example.com.au"),
    ("My email is Jane.Doe@Example.com.", "jane.doe@example.com"),
    ("jane doe at example dot com with no space", "janedoe@example.com"),
    ("jane dot doe the number four at example dot io", "jane.doe4@example.io"),
    ("kate two thousand at example dot com", "kate2000@example.com"),
    ("maria arroba ejemplo punto es", "maria@ejemplo.es"),
    ("pedro guion bajo ruiz arroba gmail punto com", "pedro_ruiz@gmail.com"),
    ("double l o y d at example dot com", "lloyd@example.com"),
    ("zed at example dot com", "zed@example.com"),
    ("it's um sarah uh dot uh connor at sky dot net", "sarah.connor@sky.net"),
    ("at example dot com it's tom", ""),
]
NAMES = [
    ("my name is Siobhan O'Neill", "Siobhan O'Neill"),
    ("it's Jean-Luc Picard", "Jean-Luc Picard"),
    ("yeah this is Mohammed Al Fayed", "Mohammed Al Fayed"),
    ("you can call me Bob", "Bob"),
    ("uh first name Priya last name Raghunathan", "Priya Raghunathan"),
    ("the name's Bond", "Bond"),
    ("I'm Dr. Patel", "Dr Patel"),
    ("sure, Maria de la Cruz", "Maria de la Cruz"),
    ("no it's Jon without an h", "Jon"),
    ("my name is Will Young", "Will Young"),
    ("Grace Park", "Grace Park"),
    ("that would be Mark Rich", "Mark Rich"),
    ("put it under Thompson please", "Thompson"),
    ("soy Carlos Gómez", "Carlos Gómez"),
    ("me llamo Ana", "Ana"),
    ("s m i t h", "Smith"),
    ("s as in sierra m as in mike i t h", "Smith"),
    ("sierra mike india tango hotel", "Smith"),
    ("double u for whiskey", ""),
    ("capital j o h n", "John"),
    ("j, o, h, n", "John"),
    ("J-O-H-N", "John"),
    ("my name is John spelled j o h n", "John"),
    ("zed a r a", "Zara"),
    ("I don't want to say", ""),
    ("what do you mean", ""),
    ("why do you need that", ""),
    ("Thomas with a T", "Thomas"),
    ("um I think it's under my wife's name Rebecca Stone", "Rebecca Stone"),
]
DAYS = [
    ("the day after tomorrow", date(2026, 6, 5)),
    ("next tuesday", date(2026, 6, 9)),
    ("June the fifth", date(2026, 6, 5)),
    ("5 June", date(2026, 6, 5)),
    ("in two weeks", date(2026, 6, 17)),
    ("a week from friday", date(2026, 6, 12)),
    ("a week on monday", date(2026, 6, 15)),
    ("this saturday", date(2026, 6, 6)),
    ("two days ago", date(2026, 6, 1)),
    ("first of july", date(2026, 7, 1)),
    ("december 25th", date(2026, 12, 25)),
    ("12/25/2026", date(2026, 12, 25)),
    ("the twenty first of june twenty twenty six", date(2026, 6, 21)),
    ("march third nineteen eighty five", date(1985, 3, 3)),
    ("tomorrow week", date(2026, 6, 11)),
    ("a fortnight today", date(2026, 6, 17)),
    ("el 5 de junio", date(2026, 6, 5)),
    ("pasado mañana", date(2026, 6, 5)),
    ("monday the 8th", date(2026, 6, 8)),
]
TIMES = [
    ("half seven", time(7, 30)),
    ("quarter to nine in the morning", time(8, 45)),
    ("ten thirty pm", time(22, 30)),
    ("noon", time(12, 0)),
    ("at seven", time(7, 0)),
    ("seven in the evening", time(19, 0)),
    ("five past two", time(2, 5)),
    ("twenty to three", time(2, 40)),
    ("oh eight hundred hours", time(8, 0)),
    ("eighteen hundred", time(18, 0)),
    ("three o'clock in the afternoon", time(15, 0)),
    ("around 4ish", time(4, 0)),
    ("9.15 am", time(9, 15)),
    ("1 pm", time(13, 0)),
    ("in an hour and a half", time(11, 30)),
    ("in half an hour", time(10, 30)),
    ("a las ocho y media", time(8, 30)),
    ("las tres de la tarde", time(15, 0)),
    ("12 am", time(0, 0)),
    ("7pm", time(19, 0)),
]
ANSWERS = [
    ("yes please", True),
    ("that's the one", True),
    ("yup that's me", True),
    ("nah you got it wrong", False),
    ("yes but the last digit is 5", None),
    ("I guess so", True),
    ("not really", False),
    ("hmm", None),
    ("could you say that again", None),
    ("spot on", True),
    ("you bet", True),
    ("absolutely not", False),
    ("I'd rather not", False),
    ("go for it", True),
    ("that is incorrect", False),
    ("uh huh", True),
    ("nope that's all wrong", False),
    ("why", None),
    ("okay but no", None),
    ("si claro", True),
    ("no gracias", False),
    ("I don't think so", False),
    ("I think so", True),
    ("correct yes", True),
    ("not correct", False),
    ("of course not", False),
    ("never mind", False),
    ("yeah no", None),
    ("one moment", None),
    ("maybe later", None),
]


@pytest.mark.parametrize(("said", "region", "number"), PHONES)
def test_a_telephone_number(said: str, region: str, number: str) -> None:
    assert phones.read(said, region) == number


@pytest.mark.parametrize(("said", "address"), EMAILS)
def test_an_email_address(said: str, address: str) -> None:
    assert emails.read(said) == address


@pytest.mark.parametrize(("said", "name"), NAMES)
def test_a_name(said: str, name: str) -> None:
    assert names.read(said) == name


@pytest.mark.parametrize(("said", "day"), DAYS)
def test_a_day(said: str, day: date) -> None:
    assert days.read(said, WEDNESDAY) == day


@pytest.mark.parametrize(("said", "at"), TIMES)
def test_a_time(said: str, at: time) -> None:
    assert days.read_time(said, TEN) == at


@pytest.mark.parametrize(("said", "answer"), ANSWERS)
def test_yes_no_or_neither(said: str, answer: bool | None) -> None:
    assert yesno.read(said) is answer
