//! The real monitor between the real server and a gateway that does what a test tells it to.

mod answers;
mod doctor;
mod kills;
mod ladder;
mod local;
mod misdeeds;
mod outages;
mod packet;
mod presence;
mod refusals;
mod several;
mod stops;
mod team;
