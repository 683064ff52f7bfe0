//! Where it is kept: the store's trait, a disk engine, a memory engine and the suite every engine passes.
