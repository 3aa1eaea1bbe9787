//! Where sessions are kept, and how they are named.

/// One session of a pool. The id of one that has gone names no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    place: u32,
    generation: u32,
}

impl SessionId {
    /// Names no session.
    pub(super) const NOBODY: Self = Self { place: u32::MAX, generation: 0 };

    /// Where it is, for as long as it is there: a small number, which others have had and will have.
    pub const fn place(self) -> u32 {
        self.place
    }

    /// As a JavaScript number.
    pub fn to_js(self) -> f64 {
        f64::from(self.generation) * PLACES + f64::from(self.place)
    }

    /// From what [`to_js`](Self::to_js) gave; whatever else it is given, some id.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    pub fn from_js(number: f64) -> Self {
        Self { place: (number % PLACES) as u32, generation: (number / PLACES) as u32 }
    }
}

/// How many places an id can tell apart.
const PLACES: f64 = (1_u64 << 32) as f64;

/// How many sessions have been at a place, of which 2^21 can be told apart: with the place,
/// that is as much as a JavaScript number holds.
const GENERATIONS: u32 = 1 << 21;

/// Places for sessions; one that has become free is taken again.
#[derive(Debug)]
pub(super) struct Places<S> {
    places: Vec<Place<S>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place<S> {
    generation: u32,
    /// Boxed, so that a place that is free, or is kept for growth, is small.
    session: Option<Box<S>>,
}

impl<S> Places<S> {
    pub(super) const fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    /// Keeps what `session` makes of its id.
    pub(super) fn add(&mut self, session: impl FnOnce(SessionId) -> S) -> SessionId {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 0, session: None });
            u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
        });
        let Some(free) = self.places.get_mut(place as usize) else { return SessionId::NOBODY };
        let id = SessionId { place, generation: free.generation };
        free.session = Some(Box::new(session(id)));
        id
    }

    pub(super) fn remove(&mut self, place: u32) -> Option<Box<S>> {
        let taken = self.places.get_mut(place as usize)?;
        let session = taken.session.take()?;
        taken.generation = (taken.generation + 1) % GENERATIONS;
        self.free.push(place);
        Some(session)
    }

    pub(super) fn get(&self, place: u32) -> Option<&S> {
        self.places.get(place as usize)?.session.as_deref()
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut S> {
        self.places.get_mut(place as usize)?.session.as_deref_mut()
    }

    /// The place of a session that is still there.
    pub(super) fn find(&self, id: SessionId) -> Option<u32> {
        let place = self.places.get(id.place as usize)?;
        (place.generation == id.generation && place.session.is_some()).then_some(id.place)
    }

    /// The first place that nobody has ever had.
    pub(super) const fn end(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "an id of a session has no room for more")]
        let end = self.places.len() as u32;
        end
    }

    pub(super) const fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_again_and_the_old_id_names_nobody() {
        let mut places = Places::new();
        let first = places.add(|_| "first");
        assert_eq!(places.remove(first.place()).as_deref(), Some(&"first"));

        let second = places.add(|_| "second");

        assert_eq!((first.place(), places.len()), (second.place(), 1));
        assert_eq!((places.find(first), places.find(second)), (None, Some(second.place())));
        assert_eq!(places.find(SessionId::NOBODY), None);
    }

    #[test]
    fn an_id_is_a_javascript_number_and_back() {
        for (place, generation) in [(0, 0), (7, 3), (u32::MAX, GENERATIONS - 1)] {
            let id = SessionId { place, generation };

            assert_eq!(SessionId::from_js(id.to_js()), id);
            assert!(id.to_js() < 9_007_199_254_740_992.0);
        }
        for odd in [-1.0, f64::NAN, f64::INFINITY, 0.5] {
            let _ = SessionId::from_js(odd);
        }
    }

    #[test]
    fn generations_begin_again() {
        let mut places = Places::new();
        let first = places.add(|_| ());
        for _ in 0..GENERATIONS - 1 {
            places.remove(first.place());
            places.add(|_| ());
        }
        assert_eq!(places.find(first), None);

        places.remove(first.place());

        assert_eq!(places.add(|_| ()), first);
    }
}
