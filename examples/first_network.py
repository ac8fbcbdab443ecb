"""A first network: which points of the unit square lie inside a disk?

Run it with: python examples/first_network.py
"""

from chainrule import nn, optim, report
from chainrule.data import disk
from chainrule.train import Accuracy, fit

train, test = disk(1000, seed=0), disk(1000, seed=1)
net = nn.Sequential(nn.Linear(2, 25), nn.Tanh(), nn.Linear(25, 25), nn.Tanh(), nn.Linear(25, 2))
net.initialize(seed=0)
loss, adam = nn.CrossEntropyLoss(), optim.Adam(net, lr=0.01)
scores = {"accuracy": Accuracy()}
history = fit(net, train, test, criterion=loss, optimizer=adam, epochs=50, metrics=scores)
print(f"test accuracy {history.last('test_accuracy'):.1%} after {history.epochs} epochs")
figure, axes = report.plane(net, test)
figure.savefig("first_network.png")
print("what it learned: first_network.png")
