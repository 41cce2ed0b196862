"""Which sequences a benchmark consists of, and which of their frames: facts of the benchmarks, as published.

A benchmark without a list here consists of the sequences that are found.
"""

from __future__ import annotations


def _names(text: str) -> tuple[str, ...]:
    return tuple(sorted(text.split()))


def _numbered(text: str) -> tuple[str, ...]:
    """`bird:2,3` -> bird-2, bird-3."""
    groups = (entry.split(":") for entry in text.split())
    return tuple(sorted(f"{group}-{number}" for group, numbers in groups for number in numbers.split(",")))


def _attributes(text: str) -> dict[str, tuple[str, ...]]:
    """`Fish:IV Girl:SV,OCC` -> the attributes of each sequence."""
    groups = (entry.split(":") for entry in text.split())
    return {name: tuple(attributes.split(",")) for name, attributes in groups}


OTB100 = _names(
    """
    Basketball Biker Bird1 Bird2 BlurBody BlurCar1 BlurCar2 BlurCar3 BlurCar4 BlurFace BlurOwl Board Bolt Bolt2
    Box Boy Car1 Car2 Car24 Car4 CarDark CarScale ClifBar Coke Couple Coupon Crossing Crowds Dancer Dancer2
    David David2 David3 Deer Diving Dog Dog1 Doll DragonBaby Dudek FaceOcc1 FaceOcc2 Fish FleetFace Football
    Football1 Freeman1 Freeman3 Freeman4 Girl Girl2 Gym Human2 Human3 Human4-2 Human5 Human6 Human7 Human8
    Human9 Ironman Jogging-1 Jogging-2 Jump Jumping KiteSurf Lemming Liquor Man Matrix Mhyang MotorRolling
    MountainBike Panda RedTeam Rubik Shaking Singer1 Singer2 Skater Skater2 Skating1 Skating2-1 Skating2-2
    Skiing Soccer Subway Surfer Suv Sylvester Tiger1 Tiger2 Toy Trans Trellis Twinnings Vase Walking Walking2
    Woman
    """
)
"""Wu et al., PAMI 2015 (TB-100): 98 videos, 100 targets."""

OTB_ATTRIBUTES = _attributes(
    """
    Basketball:IV,OCC,DEF,OPR,BC Biker:SV,OCC,MB,FM,OPR,OV,LR Bird1:DEF,FM,OV Bird2:OCC,DEF,FM,IPR,OPR
    BlurBody:SV,DEF,MB,FM,IPR BlurCar1:MB,FM BlurCar2:SV,MB,FM BlurCar3:MB,FM BlurCar4:MB,FM BlurFace:MB,FM,IPR
    BlurOwl:SV,MB,FM,IPR Board:SV,MB,FM,OPR,OV,BC Bolt:OCC,DEF,IPR,OPR Bolt2:DEF,BC
    Box:IV,SV,OCC,MB,IPR,OPR,OV,BC Boy:SV,MB,FM,IPR,OPR Car1:IV,SV,BC,LR Car2:IV,BC Car24:IV,SV,BC Car4:IV,SV
    CarDark:IV,BC CarScale:SV,OCC,FM,IPR,OPR ClifBar:SV,OCC,MB,FM,IPR,OV,BC Coke:IV,OCC,FM,IPR,OPR
    Couple:SV,DEF,FM,OPR,BC Coupon:OCC,BC Crossing:SV,DEF,BC Crowds:IV,DEF,BC Dancer:SV,DEF,IPR,OPR Dancer2:DEF
    David:IV,SV,OCC,DEF,MB,IPR,OPR David2:IPR,OPR David3:OCC,DEF,OPR,BC Deer:MB,FM,IPR,BC,LR Diving:SV,DEF,IPR
    Dog:SV,DEF,OPR Dog1:SV,IPR,OPR Doll:IV,SV,OCC,IPR,OPR DragonBaby:SV,OCC,MB,FM,IPR,OPR,OV
    Dudek:SV,OCC,DEF,FM,IPR,OPR,OV,BC FaceOcc1:OCC FaceOcc2:IV,OCC,IPR,OPR Fish:IV
    FleetFace:SV,DEF,MB,FM,IPR,OPR Football:OCC,IPR,OPR,BC Football1:IPR,OPR,BC Freeman1:SV,IPR,OPR
    Freeman3:SV,IPR,OPR Freeman4:SV,OCC,IPR,OPR Girl:SV,OCC,IPR,OPR Girl2:SV,OCC,DEF,MB,OPR Gym:SV,DEF,IPR,OPR
    Human2:IV,SV,MB,OPR Human3:SV,OCC,DEF,OPR,BC Human4-2:IV,SV,OCC,DEF Human5:SV,OCC,DEF
    Human6:SV,OCC,DEF,FM,OPR,OV Human7:IV,SV,OCC,DEF,MB,FM Human8:IV,SV,DEF Human9:IV,SV,DEF,MB,FM
    Ironman:IV,SV,OCC,MB,FM,IPR,OPR,OV,BC,LR Jogging-1:OCC,DEF,OPR Jogging-2:OCC,DEF,OPR
    Jump:SV,OCC,DEF,MB,IPR,OPR Jumping:MB,FM KiteSurf:IV,OCC,IPR,OPR Lemming:IV,SV,OCC,FM,OPR,OV
    Liquor:IV,SV,OCC,MB,FM,OPR,OV,BC Man:IV Matrix:IV,SV,OCC,FM,IPR,OPR,BC Mhyang:IV,DEF,OPR,BC
    MotorRolling:IV,SV,MB,FM,IPR,BC,LR MountainBike:IPR,OPR,BC Panda:SV,OCC,DEF,IPR,OPR,OV,LR
    RedTeam:SV,OCC,IPR,OPR,LR Rubik:SV,OCC,IPR,OPR Shaking:IV,SV,IPR,OPR,BC Singer1:IV,SV,OCC,OPR
    Singer2:IV,DEF,IPR,OPR,BC Skater:SV,DEF,IPR,OPR Skater2:SV,DEF,FM,IPR,OPR Skating1:IV,SV,OCC,DEF,OPR,BC
    Skating2-1:SV,OCC,DEF,FM,OPR Skating2-2:SV,OCC,DEF,FM,OPR Skiing:IV,SV,DEF,IPR,OPR
    Soccer:IV,SV,OCC,MB,FM,IPR,OPR,BC Subway:OCC,DEF,BC Surfer:SV,FM,IPR,OPR,LR Suv:OCC,IPR,OV
    Sylvester:IV,IPR,OPR Tiger1:IV,OCC,DEF,MB,FM,IPR,OPR Tiger2:IV,OCC,DEF,MB,FM,IPR,OPR,OV Toy:SV,FM,IPR,OPR
    Trans:IV,SV,OCC,DEF Trellis:IV,SV,IPR,OPR,BC Twinnings:SV,OPR Vase:SV,FM,IPR Walking:SV,OCC,DEF
    Walking2:SV,OCC,LR Woman:IV,SV,OCC,DEF,MB,FM,OPR
    """
)
"""Of OTB100, as the MATLAB code of its authors has them (Wu, Lim and Yang, TPAMI 2015), which published plots are made
with. Their web page lists a few more: LR of Box, MB and FM of Car1 and Car2, SV of Car2, BC of Coke, OPR and FM of
Crossing, FM of Jump."""

OTB50 = _names(
    """
    Basketball Biker Bird1 BlurBody BlurCar2 BlurFace BlurOwl Bolt Box Car1 Car4 CarDark CarScale ClifBar Couple
    Crowds David Deer Diving DragonBaby Dudek Football Freeman4 Girl Human3 Human4-2 Human6 Human9 Ironman Jump
    Jumping Liquor Matrix MotorRolling Panda RedTeam Shaking Singer2 Skating1 Skating2-1 Skating2-2 Skiing
    Soccer Surfer Sylvester Tiger2 Trellis Walking Walking2 Woman
    """
)
"""Wu et al., PAMI 2015 (TB-50): the 50 harder targets of TB-100."""

OTB2013 = _names(
    """
    Basketball Bolt Boy Car4 CarDark CarScale Coke Couple Crossing David David2 David3 Deer Dog1 Doll Dudek
    FaceOcc1 FaceOcc2 Fish FleetFace Football Football1 Freeman1 Freeman3 Freeman4 Girl Ironman Jogging-1
    Jogging-2 Jumping Lemming Liquor Matrix Mhyang MotorRolling MountainBike Shaking Singer1 Singer2 Skating1
    Skiing Soccer Subway Suv Sylvester Tiger1 Tiger2 Trellis Walking Walking2 Woman
    """
)
"""Wu et al., CVPR 2013: 50 videos, 51 targets."""

VOT2013 = _names(
    """
    bicycle bolt car cup david diving face gymnastics hand iceskater juice jump singer sunshade torus woman
    """
)
"""Kristan et al., ICCVW 2013."""

VOT2014 = _names(
    """
    ball basketball bicycle bolt car david diving drunk fernando fish1 fish2 gymnastics hand1 hand2 jogging
    motocross polarbear skating sphere sunshade surfing torus trellis tunnel woman
    """
)
"""Kristan et al., ECCVW 2014."""

VOT2016 = _names(
    """
    bag ball1 ball2 basketball birds1 birds2 blanket bmx bolt1 bolt2 book butterfly car1 car2 crossing dinosaur
    fernando fish1 fish2 fish3 fish4 girl glove godfather graduate gymnastics1 gymnastics2 gymnastics3
    gymnastics4 hand handball1 handball2 helicopter iceskater1 iceskater2 leaves marching matrix motocross1
    motocross2 nature octopus pedestrian1 pedestrian2 rabbit racing road shaking sheep singer1 singer2 singer3
    soccer1 soccer2 soldier sphere tiger traffic tunnel wiper
    """
)
"""Kristan et al., ECCVW 2016; the sequences are those of VOT2015."""

VOT2018 = _names(
    """
    ants1 ants3 bag ball1 ball2 basketball birds1 blanket bmx bolt1 bolt2 book butterfly car1 conduction1 crabs1
    crossing dinosaur drone1 drone_across drone_flip fernando fish1 fish2 fish3 flamingo1 frisbee girl glove
    godfather graduate gymnastics1 gymnastics2 gymnastics3 hand handball1 handball2 helicopter iceskater1
    iceskater2 leaves matrix motocross1 motocross2 nature pedestrian1 rabbit racing road shaking sheep singer2
    singer3 soccer1 soccer2 soldier tiger traffic wiper zebrafish1
    """
)
"""Kristan et al., ECCVW 2018; the sequences are those of VOT2017."""

VOT2019 = _names(
    """
    agility ants1 ball2 ball3 basketball birds1 bolt1 book butterfly car1 conduction1 crabs1 dinosaur dribble
    drone1 drone_across drone_flip fernando fish1 fish2 flamingo1 frisbee girl glove godfather graduate
    gymnastics1 gymnastics2 gymnastics3 hand hand2 handball1 handball2 helicopter iceskater1 iceskater2 lamb
    leaves marathon matrix monkey motocross1 nature pedestrian1 polo rabbit rabbit2 road rowing shaking singer2
    singer3 soccer1 soccer2 soldier surfing tiger wheel wiper zebrafish1
    """
)
"""Kristan et al., ICCVW 2019."""

UAV123 = _names(
    """
    bike1 bike2 bike3 bird1_1 bird1_2 bird1_3 boat1 boat2 boat3 boat4 boat5 boat6 boat7 boat8 boat9 building1
    building2 building3 building4 building5 car1_1 car1_2 car1_3 car1_s car2 car2_s car3 car3_s car4 car4_s car5
    car6_1 car6_2 car6_3 car6_4 car6_5 car7 car8_1 car8_2 car9 car10 car11 car12 car13 car14 car15 car16_1
    car16_2 car17 car18 group1_1 group1_2 group1_3 group1_4 group2_1 group2_2 group2_3 group3_1 group3_2
    group3_3 group3_4 person1 person1_s person2_1 person2_2 person2_s person3 person3_s person4_1 person4_2
    person5_1 person5_2 person6 person7_1 person7_2 person8_1 person8_2 person9 person10 person11 person12_1
    person12_2 person13 person14_1 person14_2 person14_3 person15 person16 person17_1 person17_2 person18
    person19_1 person19_2 person19_3 person20 person21 person22 person23 truck1 truck2 truck3 truck4_1 truck4_2
    uav1_1 uav1_2 uav1_3 uav2 uav3 uav4 uav5 uav6 uav7 uav8 wakeboard1 wakeboard2 wakeboard3 wakeboard4
    wakeboard5 wakeboard6 wakeboard7 wakeboard8 wakeboard9 wakeboard10
    """
)
"""Mueller et al., ECCV 2016."""

UAV20L = _names(
    """
    bike1 bird1 car1 car3 car6 car8 car9 car16 group1 group2 group3 person2 person4 person5 person7 person14
    person17 person19 person20 uav1
    """
)
"""Mueller et al., ECCV 2016: the long-term subset."""

DTB70 = _names(
    """
    Animal1 Animal2 Animal3 Animal4 BMX2 BMX3 BMX4 BMX5 Basketball Car2 Car4 Car5 Car6 Car8 ChasingDrones Girl1
    Girl2 Gull1 Gull2 Horse1 Horse2 Kiting ManRunning1 ManRunning2 Motor1 Motor2 MountainBike1 MountainBike5
    MountainBike6 Paragliding3 Paragliding5 RaceCar RaceCar1 RcCar3 RcCar4 RcCar5 RcCar6 RcCar7 RcCar8 RcCar9
    SUP2 SUP4 SUP5 Sheep1 Sheep2 SkateBoarding4 Skiing1 Skiing2 SnowBoarding2 SnowBoarding4 SnowBoarding6
    Soccer1 Soccer2 SpeedCar2 SpeedCar4 StreetBasketball1 StreetBasketball2 StreetBasketball3 Surfing03
    Surfing04 Surfing06 Surfing10 Surfing12 Vaulting Wakeboarding1 Wakeboarding2 Walking Yacht2 Yacht4 Zebra
    """
)
"""Li and Yeung, AAAI 2017."""

LASOT_TEST = _numbered(
    """
    airplane:1,9,13,15 basketball:1,6,7,11 bear:2,4,6,17 bicycle:2,7,9,18 bird:2,3,15,17 boat:3,4,12,17
    book:3,10,11,19 bottle:1,12,14,18 bus:2,5,17,19 car:2,6,9,17 cat:1,3,18,20 cattle:2,7,12,13
    chameleon:3,6,11,20 coin:3,6,7,18 crab:3,6,12,18 crocodile:3,4,10,14 cup:1,4,7,17 deer:4,8,10,14
    dog:1,7,15,19 drone:2,7,13,15 electricfan:1,10,18,20 elephant:1,12,16,18 flag:2,3,5,9 fox:2,3,5,20
    frog:3,4,9,20 gametarget:1,2,7,13 gecko:1,5,16,19 giraffe:2,10,13,15 goldfish:3,7,8,10 gorilla:4,6,9,13
    guitar:3,8,10,16 hand:2,3,9,16 hat:1,2,5,18 helmet:5,11,13,19 hippo:1,7,9,20 horse:1,4,12,15
    kangaroo:2,5,11,14 kite:4,6,10,15 leopard:1,7,16,20 licenseplate:6,12,13,15 lion:1,5,12,20 lizard:1,3,6,13
    microphone:2,6,14,16 monkey:3,4,9,17 motorcycle:1,3,9,18 mouse:1,8,9,17 person:1,5,10,12 pig:2,10,13,18
    pool:3,7,12,15 rabbit:10,13,17,19 racing:10,15,16,20 robot:1,5,8,19 rubicCube:1,6,14,19 sepia:6,8,13,16
    shark:2,3,5,6 sheep:3,5,7,9 skateboard:3,8,16,19 spider:14,16,18,20 squirrel:8,11,13,19 surfboard:4,5,8,12
    swing:10,14,17,20 tank:6,9,14,16 tiger:4,6,12,18 train:1,7,11,20 truck:3,6,7,16 turtle:5,8,9,16
    umbrella:2,9,17,19 volleyball:1,13,18,19 yoyo:7,15,17,19 zebra:10,14,16,17
    """
)
"""Fan et al., CVPR 2019: the 280 test sequences (protocol II)."""

_LASOT_EXTENSION_CLASSES = _names(
    """
    atv badminton cosplay dancingshoe footbag frisbee jianzi lantern misc opossum paddle raccoon rhino
    skatingshoe wingsuit
    """
)

LASOT_EXTENSION = tuple(sorted(f"{group}-{number}" for group in _LASOT_EXTENSION_CLASSES for number in range(1, 11)))
"""Fan et al., IJCV 2021: 15 classes of 10 sequences."""

GOT10K_VAL = tuple(f"GOT-10k_Val_{number:06d}" for number in range(1, 181))
GOT10K_TEST = tuple(f"GOT-10k_Test_{number:06d}" for number in range(1, 181))
"""Huang et al., PAMI 2021: 180 validation and 180 test sequences."""

OTB_FRAMES = {
    "BlurCar1": (247, 988),
    "BlurCar3": (3, 359),
    "BlurCar4": (18, 397),
    "David": (300, 770),
    "Diving": (1, 215),
    "Football1": (1, 74),
    "Freeman3": (1, 460),
    "Freeman4": (1, 283),
    "Tiger1": (6, 354),
}
"""First and last image number of the OTB sequences that do not use all their images (their official configuration)."""

_UAV123_STARTS = """
    bird1_2:775 bird1_3:1573 car1_2:751 car1_3:1627 car6_2:487 car6_3:1807 car6_4:2953 car6_5:3925 car8_2:1357
    car16_2:415 group1_2:1333 group1_3:2515 group1_4:3925 group2_2:907 group2_3:1771 group3_2:1567 group3_3:2827
    group3_4:4369 person2_2:1189 person4_2:1501 person5_2:877 person7_2:1249 person8_2:1075 person12_2:601
    person14_2:847 person14_3:1813 person17_2:1501 person19_2:1243 person19_3:2791 truck4_2:577 uav1_2:1555
    uav1_3:2473
"""

UAV123_FIRST = {name: int(first) for name, first in (entry.split(":") for entry in _UAV123_STARTS.split())}
"""Number of the first image, for sequences cut out of a longer video (`bird1_2` lies in the folder `bird1`)."""

UAV123_10FPS_FIRST = {name: (first - 1) // 3 + 1 for name, first in UAV123_FIRST.items()}
"""The same at 10 frames per second: every third image was kept."""
