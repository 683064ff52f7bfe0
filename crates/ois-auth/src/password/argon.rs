//! Argon2id in memory that goes back to the system as soon as the hash is there.
//!
//! An allocator may keep what is freed: glibc's does so in each of its arenas, of which there are eight
//! for a core, and a server on which a few people had signed in at once held 350 MiB from then on.

use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};

/// Hashes at the usual cost.
///
/// # Errors
/// For a salt that is too short, for a password beyond 4 GiB, and where there is no memory.
pub(crate) fn hash(password: &[u8], salt: &[u8]) -> argon2::password_hash::Result<PasswordHash> {
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    fill(VERSION, COST, password, salt, &mut output)?;
    Ok(PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(VERSION.into()),
        params: ParamsString::try_from(COST)?,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(&output)?),
    })
}

/// Whether this is the password, at the costs that the hash names.
pub(crate) fn matches(hash: &PasswordHash, password: &[u8]) -> bool {
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return false };
    let version = hash.version.map_or(Ok(VERSION), Version::try_from);
    let (Ok(version), Ok(cost)) = (version, Params::try_from(hash)) else { return false };
    let mut output = vec![0; expected.len()];
    // Outputs are compared in constant time.
    fill(version, cost, password, salt, &mut output).is_ok()
        && Output::new(&output).is_ok_and(|output| output == *expected)
}

fn fill(
    version: Version,
    cost: Params,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
) -> argon2::Result<()> {
    let mut memory = memory(cost.block_count())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, version, cost);
    argon2.hash_password_into_with_memory(password, salt, output, &mut memory)
}

/// What is not written to takes no memory, so the larger allocation costs nothing.
fn memory(blocks: usize) -> argon2::Result<Vec<Block>> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(blocks.max(MAPPED)).map_err(|_| argon2::Error::OutOfMemory)?;
    memory.resize(blocks, Block::new());
    Ok(memory)
}

/// Blocks of an allocation that is always mapped by itself and unmapped when it is freed. Below 32 MiB
/// glibc keeps what it has once seen freed (`M_MMAP_THRESHOLD` in mallopt(3)).
const MAPPED: usize = (32 << 20) / Block::SIZE + 1;

/// Argon2id as OWASP's password storage cheat sheet recommends it: 19 MiB, 2 passes, 1 lane.
const COST: Params = match Params::new(19 * 1024, 2, 1, None) {
    Ok(params) => params,
    Err(_) => panic!("constants within Argon2's limits"),
};

const VERSION: Version = Version::V0x13;
