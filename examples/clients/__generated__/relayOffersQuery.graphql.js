/**
 * @generated SignedSource<<f6974ab4776974a71df1daec44ccc657>>
 * @lightSyntaxTransform
 */

/* eslint-disable */

'use strict';

var node = (function(){
var v0 = [
  {
    "defaultValue": null,
    "kind": "LocalArgument",
    "name": "limit"
  }
],
v1 = [
  {
    "alias": null,
    "args": [
      {
        "kind": "Variable",
        "name": "limit",
        "variableName": "limit"
      }
    ],
    "concreteType": "Offer",
    "kind": "LinkedField",
    "name": "getOffers",
    "plural": true,
    "selections": [
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "offerId",
        "storageKey": null
      },
      {
        "alias": null,
        "args": null,
        "kind": "ScalarField",
        "name": "merchant",
        "storageKey": null
      }
    ],
    "storageKey": null
  }
];
return {
  "fragment": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Fragment",
    "metadata": null,
    "name": "relayOffersQuery",
    "selections": (v1/*:: as any*/),
    "type": "Query",
    "abstractKey": null
  },
  "kind": "Request",
  "operation": {
    "argumentDefinitions": (v0/*:: as any*/),
    "kind": "Operation",
    "name": "relayOffersQuery",
    "selections": (v1/*:: as any*/)
  },
  "params": {
    "cacheID": "4092abae709959e926cd7d73bc77a3ae",
    "id": null,
    "metadata": {},
    "name": "relayOffersQuery",
    "operationKind": "query",
    "text": "query relayOffersQuery(\n  $limit: Int\n) {\n  getOffers(limit: $limit) {\n    offerId\n    merchant\n  }\n}\n"
  }
};
})();

node.hash = "d011ecf292b074a6961ea4abf611dc24";

export default node;
