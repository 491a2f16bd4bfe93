// What a forked child must know: it has one thread only, and locks that others held are held for ever.
#pragma once

namespace stretto {

// How often the process has been forked, counted in the children: whoever remembers another number was made
// before a fork, and its threads and locks are not to be trusted.
unsigned forks_seen();

}  // namespace stretto
