#include "harness.h"
TEST(placeholder)
{
	YES(1);
}
